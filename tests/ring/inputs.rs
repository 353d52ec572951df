//! Options and names that describe no ring.

use std::os::fd::{AsFd, AsRawFd};

use bytemuck::{Pod, Zeroable};
use ironring::{Error, Options, mpmc, spsc::Ring};

use crate::support::shared_memory;

/// 16 MiB, so that 2^40 of them are 2^64 bytes.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Huge([[u64; 2048]; 1024]);

fn refused<T>(made: Result<T, Error>) -> String {
    match made {
        Err(error @ Error::Options { .. }) => error.to_string(),
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("such a ring was made"),
    }
}

#[test]
fn impossible_sizes_are_refused_before_anything_is_made() {
    let bytes = |options: Options| refused(Ring::<[u8]>::anonymous(&options));
    assert_eq!(bytes(Options::bytes(0)), "bytes cannot be 0: at least 1");
    assert_eq!(bytes(Options::messages(0)), "messages cannot be 0: at least 1");
    assert!(bytes(Options::bytes(u64::MAX)).starts_with("bytes cannot be 18446744073709551615: at most"));
    assert!(bytes(Options::bytes((1 << 40) + 1)).contains("at most 1099511627776"));
    assert!(bytes(Options::messages(u64::MAX)).contains("at most 1099511627776"));
    assert!(bytes(Options::bytes(64).max_message(1 << 30)).starts_with("max_message cannot be 1073741824"));
    assert!(bytes(Options::bytes(64).mode(0o1000)).starts_with("mode cannot be 1000: up to 777"));

    let words = |options: Options| refused(Ring::<u64>::anonymous(&options));
    assert_eq!(words(Options::messages(0)), "messages cannot be 0: at least 1, of 8 bytes each");
    assert_eq!(words(Options::bytes(7)), "messages cannot be 0: at least 1, of 8 bytes each");
    assert!(words(Options::messages(u64::MAX)).contains("at most 1099511627776"));
}

#[test]
fn impossible_exchanges_are_refused_before_anything_is_made() {
    let values = |options: Options| refused(mpmc::Ring::<u64>::anonymous(&options));
    let eight = Options::messages(8);
    assert_eq!(values(eight.batch(0)), "batch cannot be 0: 1 to 4095");
    assert_eq!(values(eight.batch(4096)), "batch cannot be 4096: 1 to 4095");
    assert_eq!(values(eight.holding(0)), "holding cannot be 0: 1 to 63");
    assert_eq!(values(eight.holding(64)), "holding cannot be 64: 1 to 63");
    assert_eq!(values(Options::bytes(63)), "messages cannot be 0: at least 1, in slots of 64 bytes each");
    assert_eq!(values(Options::messages(0)), "messages cannot be 0: at least 1, in slots of 64 bytes each");
    let kept = mpmc::Ring::<u64>::anonymous(&Options::bytes(640)).expect("a ring");
    assert_eq!(kept.capacity(), 16, "ten slots of 64 bytes, and up to a power of two");
    for participants in [0, 1025] {
        assert!(values(eight.participants(participants)).contains(&format!("cannot be {participants}")));
    }
}

#[test]
fn sizes_whose_product_leaves_the_range_of_lengths_are_refused() {
    for messages in [1 << 20, 1 << 39, 1 << 40] {
        refused(Ring::<Huge>::anonymous(&Options::messages(messages)));
    }
}

#[test]
fn names_that_lead_nowhere_are_refused() {
    for name in ["", ".", "..", ".hidden", "ends/", "/", &"x".repeat(201)] {
        refused(Ring::<[u8]>::create(name, &Options::bytes(64)));
        refused(Ring::<[u8]>::open(name));
        refused(ironring::remove(name));
    }
}

#[test]
fn names_of_what_another_process_gives_are_for_getting_it_only() {
    for name in ["fd:0", "unix:/run/ring"] {
        let error = refused(Ring::<[u8]>::create(name, &Options::bytes(64)));
        assert!(error.contains("fd: and unix: are for getting one"), "{error}");
    }
    let ring = Ring::<[u8]>::anonymous(&Options::bytes(64)).expect("a ring");
    let name = format!("fd:{}", ring.as_fd().as_raw_fd());
    let error = ironring::remove(&name).expect_err("it has no name");
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("it goes with its last user"), "{error}");
    assert!(!ring.is_retired());
}

#[test]
fn room_for_one_longest_message_is_made_where_bytes_would_not_do() {
    let dir = shared_memory();
    let ring = Ring::<[u8]>::create(dir.path().join("ring"), &Options::bytes(64).max_message(1000));
    let ring = ring.expect("a ring");
    assert_eq!((ring.capacity(), ring.max_message()), (2048, 1000));
}
