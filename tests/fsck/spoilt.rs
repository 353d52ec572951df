//! Exchange rings of which one word is spoilt: it is named, with what it was.

use ironring::{Delivery, fsck::At};

use super::ring::{
    AT_HEAD, AT_TAIL, EXPECTED, Fixture, INTENT, ROLE, STATE, entry, held, position, record, slot,
    turn_and_slot,
};

/// Messages 0 and 1 were received, 2 and 3 are in the ring; participant 0 did it all.
fn half_full(delivery: Delivery) -> Fixture {
    let fixture = Fixture::new(delivery);
    fixture.send(4);
    fixture.receive(2);
    fixture.must_be_whole("before it is spoilt");
    fixture
}

/// Sets the words of a whole ring; what is found first must be `word` at `at`.
fn found_first(fixture: &Fixture, words: &[(usize, u64)], word: &str, at: At) {
    let before: Vec<_> = words.iter().map(|(at, _)| fixture.get(*at)).collect();
    for (at, value) in words {
        fixture.set(*at, *value);
    }
    let report = fixture.check();
    assert!(!report.is_whole(), "{word} at {at}: {words:x?} was not found");
    let first = &report.findings()[0];
    assert_eq!((first.word, first.at), (word, at), "{words:x?}:\n{report}");
    assert!(!first.found.is_empty() && !first.expected.is_empty(), "{report}");
    for ((at, _), value) in words.iter().zip(before) {
        fixture.set(*at, value);
    }
    fixture.must_be_whole("after it was mended");
}

fn once(words: &[(usize, u64)], word: &str, at: At) {
    found_first(&half_full(Delivery::AtLeastOnce), words, word, at);
}

const fn in_place(participant: u32, place: u32) -> At {
    At::Held { participant, place }
}

/// A held word: state, deliveries, received, released, slot.
const fn word_of(state: u64, deliveries: u64, received: u64, released: u64, slot: u64) -> u64 {
    state << 60 | deliveries << 50 | received << 38 | released << 26 | slot
}

#[test]
fn hint_that_leads() {
    for (at, word, truth) in [(AT_HEAD, "head", 2), (AT_TAIL, "tail", 4)] {
        for hint in [truth + 1, truth + 4, 1 << 40] {
            once(&[(at, hint)], word, At::Header);
        }
        let fixture = half_full(Delivery::AtLeastOnce);
        for hint in [truth, truth - 1, 0, u64::MAX, 1 << 63] {
            fixture.set(at, hint);
            fixture.must_be_whole("a hint that lags");
        }
    }
}

#[test]
fn entry_out_of_turn_or_of_no_slot() {
    let fixture = half_full(Delivery::AtLeastOnce);
    for index in 0..4 {
        let found = fixture.get(entry(index));
        let (turn, slot) = (found >> 4, found & 0xf);
        let at = At::Entry(index as u64);
        for turn in [turn + 2, turn + 4, turn + (1 << 30), turn.wrapping_sub(3)] {
            found_first(&fixture, &[(entry(index), turn_and_slot(turn, slot))], "entry", at);
        }
        for slot in [10, 15] {
            found_first(&fixture, &[(entry(index), turn_and_slot(turn, slot))], "entry", at);
        }
    }
    // One is full behind a free one; one is free before a full one.
    let one = fixture.get(entry(1));
    found_first(&fixture, &[(entry(1), one + (1 << 4))], "entry", At::Entry(1));
    let three = fixture.get(entry(3));
    found_first(&fixture, &[(entry(3), three + (1 << 4))], "entry", At::Entry(2));
}

#[test]
fn slot_in_two_places_or_in_none() {
    let fixture = half_full(Delivery::AtLeastOnce);
    let (spare, other) = (fixture.get(held(0, 1)), fixture.get(held(1, 2)));
    let twice = At::Slot(spare.min(other));
    found_first(&fixture, &[(held(1, 2), spare)], "place", twice);
    found_first(&fixture, &[(held(0, 1), other)], "place", twice);
    let found = fixture.get(entry(0));
    let lost = At::Slot((found & 0xf).min(spare));
    found_first(&fixture, &[(entry(0), turn_and_slot(found >> 4, spare))], "place", lost);
    fixture.set(held(1, 2), spare);
    let report = fixture.check().to_string();
    assert!(report.contains(&format!("slot {other}: place is in no place")), "{report}");
    assert!(report.contains("participant 0, place 1 and participant 1, place 2"), "{report}");
}

#[test]
fn held_word_that_nobody_writes() {
    let fixture = half_full(Delivery::AtLeastOnce);
    let spare = fixture.get(held(0, 1));
    let with = |state, deliveries, received, released| word_of(state, deliveries, received, released, spare);
    // Sound messages are in that slot, for those states that have some.
    fixture.set(slot(spare as usize, 8), 1 << 31 | 3);
    for word in [
        spare + 10,
        with(0, 1, 0, 0),
        with(0, 0, 1, 0),
        with(0, 0, 0, 1),
        with(1, 0, 0, 0),
        with(1, 4, 0, 0),
        with(1, 1, 1, 0),
        with(1, 1, 0, 1),
        with(2, 1, 0, 0),
        with(2, 4, 0, 0),
        with(3, 1, 1, 0),
        with(4, 0, 0, 0),
        with(15, 1, 0, 0),
    ] {
        found_first(&fixture, &[(held(0, 1), word)], "held", in_place(0, 1));
    }
    for word in [with(1, 1, 0, 0), with(1, 3, 0, 0), with(2, 3, 0, 0)] {
        fixture.set(held(0, 1), word);
        fixture.must_be_whole("messages held");
    }

    let fixture = half_full(Delivery::AtMostOnce);
    let spare = fixture.get(held(0, 1));
    fixture.set(slot(spare as usize, 8), 1 << 31 | 3);
    let with = |state, deliveries, received, released| word_of(state, deliveries, received, released, spare);
    for word in [with(1, 2, 0, 0), with(1, 1, 2, 0), with(2, 1, 0, 0), with(3, 1, 0, 0), with(3, 1, 1, 1)] {
        found_first(&fixture, &[(held(0, 1), word)], "held", in_place(0, 1));
    }
    for word in [with(1, 1, 0, 0), with(1, 1, 1, 0), with(3, 1, 1, 0)] {
        fixture.set(held(0, 1), word);
        fixture.must_be_whole("messages held");
    }
    // The last spare slot is kept.
    let all = [0, 1, 2].map(|place| (held(1, place), with(1, 1, 0, 0) & !0xf | fixture.get(held(1, place))));
    found_first(&fixture, &all, "held", At::Participant(1));
}

#[test]
fn position_of_messages_that_are_not_received() {
    let fixture = half_full(Delivery::AtLeastOnce);
    let spare = fixture.get(held(0, 1));
    fixture.set(slot(spare as usize, 8), 1 << 31 | 3);
    fixture.set(held(0, 1), word_of(1, 1, 0, 0, spare));
    fixture.set(position(0, 1), 1);
    fixture.must_be_whole("received");
    for at in [2, 3, 1 << 40] {
        found_first(&fixture, &[(position(0, 1), at)], "position", in_place(0, 1));
    }
}

#[test]
fn journal_that_fits_nothing() {
    // The entry 0 is free for position 4, in turn 2.
    let fixture = half_full(Delivery::AtLeastOnce);
    fixture.set(record(0, STATE), 1);
    fixture.set(record(0, ROLE), 1);
    let found = fixture.get(entry(0));
    let intent = |kind: u64, place: u64, index: u64, turn: u64| kind | place << 2 | index << 8 | turn << 32;
    let whole = [(record(0, EXPECTED), found), (record(0, INTENT), intent(1, 1, 0, 2))];
    for (at, word) in whole {
        fixture.set(at, word);
    }
    fixture.must_be_whole("a send is intended");
    fixture.set(record(0, INTENT), 0);
    let at = At::Participant(0);
    for (expected, intent, word) in [
        (found, intent(1, 3, 0, 2), "intent"),
        (found, intent(1, 1, 4, 2), "intent"),
        (found, intent(1, 1, 0, 3), "intent"),
        (found, intent(1, 1, 0, 0), "intent"),
        (found, intent(2, 1, 0, 2), "intent"),
        (found, intent(0, 1, 0, 2), "intent"),
        (found, 4, "intent"),
        (turn_and_slot(2, 10), intent(1, 1, 0, 2), "expected"),
        (turn_and_slot(3, 1), intent(1, 1, 0, 3), "expected"),
        (turn_and_slot(2, 1), intent(3, 1, 0, 2), "expected"),
        // A turn that the entry has not reached.
        (turn_and_slot(4, found & 0xf), intent(1, 1, 0, 4), "expected"),
    ] {
        found_first(&fixture, &[(record(0, EXPECTED), expected), (record(0, INTENT), intent)], word, at);
    }
    // What it gives is no spare slot, or nobody is there to intend anything.
    let messages = word_of(1, 1, 0, 0, fixture.get(held(0, 1)));
    fixture.set(slot(fixture.get(held(0, 1)) as usize, 8), 1 << 31 | 3);
    found_first(&fixture, &[whole[0], whole[1], (held(0, 1), messages)], "held", in_place(0, 1));
    found_first(&fixture, &[whole[0], whole[1], (record(0, STATE), 0)], "intent", at);
}

#[test]
fn record_that_nobody_writes() {
    let at = At::Participant(1);
    for (word, offset, values) in [
        ("state", STATE, vec![3, u64::MAX]),
        ("role", ROLE, vec![3, u64::MAX]),
        ("last", 144, vec![5, 1 << 40]),
        ("last_tag", 152, vec![1 << 32]),
        ("next_tag", 160, vec![1 << 32]),
        ("dropped", 72, vec![4096, u64::MAX]),
        ("displaced", 88, vec![4096, u64::MAX]),
    ] {
        for value in values {
            once(&[(record(1, offset), value)], word, at);
        }
    }
    once(&[(record(1, STATE), 1), (record(1, ROLE), 0)], "role", at);
}

#[test]
fn owner_of_a_slot() {
    let fixture = half_full(Delivery::AtLeastOnce);
    for index in 0..4 {
        let number = fixture.get(entry(index)) & 0xf;
        let at = At::Slot(number);
        for owner in [2, u64::MAX, 2 << 32] {
            found_first(&fixture, &[(slot(number as usize, 0), owner)], "owner", at);
        }
    }
    for (index, is_full) in [(0, false), (1, false), (2, true), (3, true)] {
        let number = fixture.get(entry(index)) & 0xf;
        if is_full {
            found_first(&fixture, &[(slot(number as usize, 0), 1)], "owner", At::Slot(number));
        }
    }
    for (participant, other) in [(0, 1), (1, 0)] {
        let number = fixture.get(held(participant, 2));
        found_first(&fixture, &[(slot(number as usize, 0), other)], "owner", At::Slot(number));
    }
}

#[test]
fn messages_that_leave_their_slot() {
    let fixture = half_full(Delivery::AtLeastOnce);
    let number = fixture.get(entry(2)) & 0xf;
    let (ready, followed) = (1_u64 << 31, 1_u64 << 30);
    for (first, second) in [
        (0, 0),
        (5, 0),
        (ready | 49, 0),
        (ready | ((1 << 30) - 1), 0),
        (ready | followed | 40, 0),
        (ready | followed | 40, ready | 1),
        (ready | followed | 48, ready),
    ] {
        let words = [(slot(number as usize, 8), first), (slot(number as usize, 56), second)];
        found_first(&fixture, &words, "header", At::Slot(number));
    }
    fixture.set(slot(number as usize, 8), ready | followed | 40);
    fixture.set(slot(number as usize, 56), ready);
    fixture.must_be_whole("two messages in a slot");

    // Those that are held, and those that were just taken, are looked at too.
    let spare = fixture.get(held(0, 1));
    let held_word = (held(0, 1), word_of(1, 1, 0, 0, spare));
    found_first(&fixture, &[held_word, (slot(spare as usize, 8), 0)], "header", At::Slot(spare));
    let sound = (slot(spare as usize, 8), ready | 3);
    let released = (held(0, 1), word_of(1, 1, 0, 2, spare));
    found_first(&fixture, &[sound, released], "held", in_place(0, 1));
}

#[test]
fn spoilt_all_over_is_told_to_a_limit() {
    let dir = super::support::shared_memory();
    let path = dir.path().join("ring");
    ironring::mpmc::Ring::<u64>::create(&path, &ironring::Options::messages(2048)).expect("a ring");
    let raw = super::support::raw::Raw::open(&path);
    let at = 4096 + 16 * 256;
    for index in 0..2048 {
        raw.set(at + 8 * index, &[0xff; 8]);
    }
    let report = ironring::fsck::check(&path).expect("a ring to look at");
    assert_eq!(report.findings().len(), 1000);
    assert!(report.left_out() >= 2048 - 1000, "{}", report.left_out());
    assert!(report.to_string().contains("findings more"));
}
