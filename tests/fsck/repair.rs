//! What `repair` sets right, what it leaves alone, and when it refuses.

use ironring::{Delivery, Error, fsck};

use super::ring::{
    AT_HEAD, AT_TAIL, EXPECTED, Fixture, INTENT, ROLE, STATE, entry, held, record, slot, turn_and_slot,
};

/// Two messages in the ring, sent by a participant 0 that is gone.
fn two_messages() -> Fixture {
    let fixture = Fixture::new(Delivery::AtLeastOnce);
    fixture.send(2);
    fixture.receive(2);
    fixture.send(2);
    fixture
}

/// Repairs what the stores `words` spoil: after that the ring is whole, both messages are in
/// it, and a second repair does nothing. Gives what was done.
fn mends(fixture: &Fixture, words: &[(usize, u64)]) -> Vec<String> {
    for (at, value) in words {
        fixture.set(*at, *value);
    }
    assert!(!fixture.check().is_whole(), "spoilt by {words:x?}");
    let repaired = fsck::repair(&fixture.path).expect("nobody attached");
    assert!(repaired.report.is_whole(), "{words:x?}: {:?}\n{}", repaired.done, repaired.report);
    assert!(!repaired.done.is_empty());
    let again = fsck::repair(&fixture.path).expect("nobody attached");
    assert_eq!(again.done, Vec::<String>::new());
    let mut consumer = fixture.ring.consumer().expect("place");
    for n in 0..2 {
        assert_eq!(consumer.try_recv().expect("a message").to_vec(), [n; 5]);
    }
    assert!(consumer.try_recv().is_err());
    drop(consumer);
    fixture.must_be_whole("in use again");
    repaired.done
}

#[test]
fn whole_ring_is_left_as_it_is() {
    let fixture = two_messages();
    let before = fixture.raw.get(0, fixture.raw.len());
    let repaired = fsck::repair(&fixture.path).expect("nobody attached");
    assert!(repaired.done.is_empty() && repaired.report.is_whole());
    assert!(fixture.raw.get(0, fixture.raw.len()) == before);
}

#[test]
fn hints_that_lead_are_put_back() {
    let done = mends(&two_messages(), &[(AT_HEAD, 3), (AT_TAIL, 1 << 40)]);
    assert_eq!(done, ["header: head was 0x3, is 0x2", "header: tail was 0x10000000000, is 0x4"]);
}

#[test]
fn lost_slots_go_to_places_that_name_one_of_another() {
    let fixture = two_messages();
    let full = fixture.get(entry(2)) & 0xf;
    let free = fixture.get(entry(0));
    let spare = fixture.get(held(1, 1));
    // A spare slot that is a message in the ring; a free entry's that is held; two held ones.
    mends(&two_messages(), &[(held(1, 1), full)]);
    mends(&two_messages(), &[(entry(0), turn_and_slot(free >> 4, spare))]);
    mends(&two_messages(), &[(held(0, 0), spare), (held(0, 1), spare)]);
    // Slots that there are not.
    mends(&two_messages(), &[(held(0, 0), 11), (entry(1), fixture.get(entry(1)) | 0xf)]);
}

#[test]
fn words_from_which_nobody_learns_anything_are_set_right() {
    let fixture = two_messages();
    let of_entry = fixture.get(entry(2)) & 0xf;
    for words in [
        [(record(0, STATE), 7), (record(1, ROLE), 9)],
        [(record(0, 152), 1 << 40), (record(0, 160), 1 << 50)],
        [(record(0, 72), 1 << 20), (record(0, 88), u64::MAX)],
        [(record(0, 144), 1 << 40), (held(0, 1), fixture.get(held(0, 1)) | 1 << 50)],
        [(slot(of_entry as usize, 0), 7 << 32), (slot(fixture.get(held(1, 2)) as usize, 0), u64::MAX)],
    ] {
        mends(&two_messages(), &words);
    }
}

#[test]
fn dead_are_recovered_and_journals_that_say_nothing_are_cleared() {
    let fixture = two_messages();
    fixture.set(record(0, STATE), 1);
    let repaired = fsck::repair(&fixture.path).expect("nobody attached");
    assert!(repaired.done[0].contains("participant 0, a producer") && repaired.report.is_whole());
    assert!(repaired.report.notes().is_empty(), "{}", repaired.report);

    let found = fixture.get(entry(0));
    let done = mends(&two_messages(), &[(record(0, EXPECTED), found), (record(0, INTENT), 1 | 1 << 63)]);
    assert!(done[0].starts_with("participant 0: intent was"), "{done:?}");
}

#[test]
fn messages_are_neither_made_up_nor_lost() {
    let fixture = two_messages();
    let found = fixture.get(entry(2));
    let number = (found & 0xf) as usize;
    for (at, value) in [
        // A turn that is wrong, a message that leaves its slot, a state that is none.
        (entry(2), turn_and_slot(5, found & 0xf)),
        (slot(number, 8), 0),
        (held(1, 0), 9 << 60 | fixture.get(held(1, 0))),
    ] {
        let before = fixture.get(at);
        fixture.set(at, value);
        let repaired = fsck::repair(&fixture.path).expect("nobody attached");
        assert_eq!((repaired.done.len(), repaired.report.is_whole()), (0, false), "{:?}", repaired.done);
        assert_eq!(fixture.get(at), value);
        fixture.set(at, before);
    }
    fixture.must_be_whole("mended by hand");
}

#[test]
fn who_is_attached_is_named_and_nothing_is_touched() {
    let fixture = two_messages();
    fixture.set(AT_HEAD, 99);
    let consumer = fixture.ring.consumer().expect("place");
    match fsck::repair(&fixture.path) {
        Err(Error::Busy { holder, .. }) => assert_eq!(holder.pid, std::process::id()),
        other => panic!("{other:?}"),
    }
    assert_eq!(fixture.get(AT_HEAD), 99);
    drop(consumer);
    assert!(fsck::repair(&fixture.path).expect("nobody attached").report.is_whole());
}
