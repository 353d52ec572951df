//! Each state in which a kill in the middle of an exchange can leave a ring: written word by
//! word, as the dead participant would have. All are whole, and told of; recovered, they are
//! whole and nothing is left to tell.

use ironring::{Delivery, mpmc::Interrupted};

use super::ring::{EXPECTED, Fixture, INTENT, STATE, entry, held, position, record, slot, turn_and_slot};

const ENQUEUE: u64 = 1;
const DEQUEUE: u64 = 2;
const DISPLACE: u64 = 3;

/// An exchange of participant 0 that is killed before its store number `kill`.
struct Killed {
    fixture: Fixture,
    left: u32,
}

impl Killed {
    fn store(&mut self, at: usize, value: u64) {
        if self.left > 0 {
            self.left -= 1;
            self.fixture.set(at, value);
        }
    }
}

/// Lets participant 0 die at each store of an exchange with its place 1 in entry `index`;
/// `told` and `interrupted` say what is to be made of it.
fn kill_at_each_store(prepare: impl Fn(&Fixture), kind: u64, index: usize) {
    let stores = 6;
    for kill in 0..=stores {
        let fixture = Fixture::new(Delivery::AtLeastOnce);
        prepare(&fixture);
        // Participant 0 was who sent or received last, as what it now does again.
        fixture.set(record(0, STATE), 1);
        fixture.set(record(0, 56), if kind == DEQUEUE { 2 } else { 1 });
        let (found, given) = (fixture.get(entry(index)), fixture.get(held(0, 1)));
        let (turn, got) = (found >> 4, found & 0xf);
        let turns = if kind == DISPLACE { 2 } else { 1 };
        let at_position = turn / 2 * 4 + index as u64;
        // What it gives is a message, but for a receive.
        if kind != DEQUEUE {
            fixture.set(slot(given as usize, 8), 1 << 31 | 3);
            fixture.set(slot(given as usize, 0), 0);
        }
        fixture.set(position(0, 1), at_position);
        let mut killed = Killed { fixture, left: kill };
        killed.store(record(0, EXPECTED), found);
        killed.store(record(0, INTENT), kind | 1 << 2 | (index as u64) << 8 | turn << 32);
        killed.store(entry(index), turn_and_slot(turn + turns, given));
        killed.store(held(0, 1), if kind == DEQUEUE { 1 << 60 | 1 << 50 | got } else { got });
        let sender = killed.fixture.get(slot(got as usize, 0)) >> 32 << 32;
        killed.store(slot(got as usize, 0), if kind == DEQUEUE { sender } else { 0 });
        killed.store(record(0, INTENT), 0);

        let fixture = killed.fixture;
        let report = fixture.check();
        assert!(report.is_whole(), "kind {kind}, before store {kill}:\n{report}");
        let note = &report.notes()[0];
        assert!(note.contains("participant 0") && note.contains("died"), "{note}");
        let (told, interrupted) = match kill {
            0 | 1 | 6 => ("", None),
            2 => ("has not taken place", Some(Interrupted::Undone)),
            3 => ("has taken place, and is not recorded", Some(Interrupted::Done)),
            _ => ("has taken place", Some(Interrupted::Done)),
        };
        assert!(note.contains(told), "kind {kind}, before store {kill}: {note}");
        assert_eq!(note.contains("journal"), interrupted.is_some(), "{note}");

        let recovered = fixture.ring.recover().expect("a ring to recover");
        assert_eq!(recovered[0].interrupted, interrupted, "kind {kind}, before store {kill}");
        let report = fixture.check();
        assert!(report.is_whole(), "kind {kind}, before store {kill}, recovered:\n{report}");
        assert!(report.notes().iter().all(|note| !note.contains("journal")), "{report}");
    }
}

#[test]
fn send_that_is_killed_is_whole() {
    kill_at_each_store(|_| {}, ENQUEUE, 0);
    kill_at_each_store(|ring| ring.send(3), ENQUEUE, 3);
}

#[test]
fn receive_that_is_killed_is_whole() {
    kill_at_each_store(|ring| ring.send(1), DEQUEUE, 0);
    let on_a_later_lap = |ring: &Fixture| {
        for _ in 0..3 {
            ring.send(4);
            ring.receive(4);
        }
        ring.send(2);
    };
    kill_at_each_store(on_a_later_lap, DEQUEUE, 0);
}

#[test]
fn forced_send_that_is_killed_is_whole() {
    kill_at_each_store(|ring| ring.send(4), DISPLACE, 0);
}
