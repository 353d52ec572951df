//! A whole ring that is not the one asked for: the error names both.

use bytemuck::{Pod, Zeroable};
use ironring::{
    Algorithm, Delivery, Error, Options, Payload, mpmc,
    spsc::{Ring, Spsc},
};

use crate::{Tests, support::shared_memory};

pub(crate) const TESTS: Tests = &[
    ("other_geometry_names_what_is_there_and_what_was_asked_for", other_geometry_is_told),
    ("other_exchange_names_what_is_there_and_what_was_asked_for", other_exchange_is_told),
    ("ring_of_the_other_kind_is_told", other_kind_is_told),
    ("other_message_type_names_both", other_message_type_is_told),
    ("open_takes_any_capacity_and_open_like_takes_its_own", open_takes_any_capacity),
];

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Pair([u32; 2]);

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Trio([u64; 3]);

/// What those who ask for `asked` are told of a ring that was made with `made`.
fn told<Made: Payload + ?Sized, Asked: Payload + ?Sized>(made: &Options, asked: &Options) -> String {
    told_by::<Spsc, Made, Asked>(made, asked)
}

/// The same of any kind of ring.
fn told_by<A: Algorithm, Made: Payload + ?Sized, Asked: Payload + ?Sized>(
    made: &Options,
    asked: &Options,
) -> String {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = ironring::Ring::<Made, A>::create(&path, made).expect("a ring");
    let before = std::fs::read(&path).expect("its bytes");
    let error = ironring::Ring::<Asked, A>::open_like(&path, asked).map(drop).expect_err("another ring");
    let again = ironring::Ring::<Asked, A>::open_or_create(&path, asked).map(drop).expect_err("another ring");
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    assert_eq!(again.to_string(), error.to_string());
    assert_eq!(std::fs::read(&path).expect("its bytes"), before, "the ring is left alone");
    assert!(!ring.is_retired());
    error.to_string()
}

fn other_geometry_is_told() {
    let bytes = Options::bytes(4096);
    let told_bytes = |asked| told::<[u8], [u8]>(&bytes, &asked);
    assert_eq!(
        told_bytes(Options::bytes(8192)),
        "the ring has another capacity: found 4096 bytes, asked for 8192 bytes"
    );
    assert_eq!(
        told_bytes(Options::bytes(4096).max_message(100)),
        "the ring has another longest message: found 2040 bytes, asked for 100 bytes"
    );
    assert_eq!(
        told_bytes(Options::bytes(4096).delivery(Delivery::AtMostOnce)),
        "the ring has another delivery: found at-least-once, asked for at-most-once"
    );
    assert_eq!(
        told::<u64, u64>(&Options::messages(8), &Options::messages(9)),
        "the ring has another capacity: found 8 messages, asked for 16 messages"
    );
}

fn other_exchange_is_told() {
    let made = Options::messages(8).max_message(100);
    let told_exchange = |asked| told_by::<mpmc::Mpmc, [u8], [u8]>(&made, &asked);
    for (asked, words) in [
        (made.participants(20), "number of participants: found 16, asked for 20"),
        (made.holding(5), "number of messages held: found 3, asked for 5"),
        (made.max_deliveries(2), "greatest number of deliveries: found 0, asked for 2"),
        (made.batch(4), "slot length: found 128 bytes, asked for 512 bytes"),
        (made.max_message(101), "longest message: found 100 bytes, asked for 101 bytes"),
        (made.delivery(Delivery::AtMostOnce), "delivery: found at-least-once, asked for at-most-once"),
    ] {
        assert_eq!(told_exchange(asked), format!("the ring has another {words}"));
    }
}

fn other_kind_is_told() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let _exchange = mpmc::Ring::<u64>::create(&path, &Options::messages(8)).expect("a ring");
    let error = Ring::<u64>::open(&path).expect_err("another kind");
    assert!(
        matches!(&error, Error::Mismatch { field: "kind", found, expected }
        if found == "mpmc" && expected == "spsc"),
        "{error}"
    );
}

fn other_message_type_is_told() {
    let (eight, bytes) = (Options::messages(8), Options::bytes(4096));
    assert_eq!(
        told::<u64, u32>(&eight, &eight),
        "the ring has another message type: found 8 bytes aligned to 8, tag 0, asked for 4 bytes aligned to 4, tag 0"
    );
    // Of the same size, the same stride, and another alignment.
    assert_eq!(
        told::<u64, Pair>(&eight, &eight),
        "the ring has another message type: found 8 bytes aligned to 8, tag 0, asked for 8 bytes aligned to 4, tag 0"
    );
    assert!(
        told::<Trio, [u8]>(&eight, &bytes).contains("24 bytes aligned to 8, tag 0, asked for bytes of any")
    );
    assert!(told::<[u8], u64>(&bytes, &eight).contains("bytes of any length, tag 0, asked for 8 bytes"));
    assert!(
        told::<u64, u64>(&eight, &eight.type_tag(7))
            .ends_with("tag 0, asked for 8 bytes aligned to 8, tag 7")
    );

    let dir = shared_memory();
    let path = dir.path().join("ring");
    Ring::<u64>::create(&path, &eight.type_tag(7)).expect("a ring");
    let error = Ring::<u64>::open(&path).expect_err("a tag that nobody asked for").to_string();
    assert!(
        error.contains("found 8 bytes aligned to 8, tag 7, asked for 8 bytes aligned to 8, tag 0"),
        "{error}"
    );
    let error = Ring::<Pair>::open(&path).map(drop).expect_err("another type");
    assert!(matches!(error, Error::Mismatch { field: "message type", .. }), "{error}");
}

fn open_takes_any_capacity() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let options = Options::messages(64).type_tag(7).delivery(Delivery::AtMostOnce);
    Ring::<u64>::create(&path, &options).expect("a ring");
    let ring = Ring::<u64>::open_like(&path, &options).expect("the same");
    assert_eq!((ring.capacity(), ring.delivery()), (64, Delivery::AtMostOnce));
    assert_eq!(Ring::<u64>::open_or_create(&path, &options).expect("the same").path(), Some(path));

    let path = dir.path().join("other");
    Ring::<[u8]>::create(&path, &Options::bytes(1 << 16)).expect("a ring");
    assert_eq!(Ring::<[u8]>::open(&path).expect("the same").capacity(), 1 << 16);
}
