//! What a report tells of rings that are wrong in more places than it lists.

use std::sync::atomic::Ordering::Relaxed;

use ironring::{Kind, Options, fsck, mpmc, spsc};

use super::support::{raw::Raw, shared_memory};

#[test]
fn findings_beyond_a_thousand_are_counted() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = mpmc::Ring::<u64>::create(&path, &Options::messages(2048)).expect("a ring");
    assert_eq!(fsck::check(&path).expect("looked at").left_out(), 0);
    let raw = Raw::open(&path);
    let page = 4096;
    let len = std::fs::metadata(&path).expect("it").len() as usize;
    for at in (page..len).step_by(8) {
        raw.word(at).store(u64::MAX, Relaxed);
    }
    let report = fsck::check(&path).expect("looked at");
    assert!(!report.is_whole() && report.findings().len() == 1000, "{}", report.findings().len());
    assert!(report.left_out() > 1000, "{}", report.left_out());
    assert!(report.to_string().contains(&report.left_out().to_string()), "{report}");
    drop(ring);
}

#[test]
fn kind_of_a_stream_is_told() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let _ring = spsc::Ring::<[u8]>::create(&path, &Options::bytes(64)).expect("a ring");
    assert_eq!(fsck::check(&path).expect("looked at").kind(), Kind::Spsc);
}
