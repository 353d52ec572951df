//! What the processes of a test tell each other, and the account of every honest message.

use ironring_testkit::{Args, Ledger, Role};

/// The honest ones are to end.
pub(crate) const STOP: usize = 0;
/// What the abuser has done, as often as it counts.
pub(crate) const DONE: usize = 1;
/// Places that it had, and that it was refused.
pub(crate) const HAD: usize = 2;
pub(crate) const REFUSED: usize = 3;
/// Honest ones that have been in their places.
pub(crate) const READY: usize = 4;
/// Honest messages that were received, and how many of them came marked.
pub(crate) const RECEIVED: usize = 5;
pub(crate) const MARKED: usize = 6;
/// Deadlines that passed for honest ones: of sends, of attempts to attach.
pub(crate) const NO_ROOM: usize = 7;
pub(crate) const NO_PLACE: usize = 8;
/// Messages of the flood that were sent and received, and their numbers' sum.
pub(crate) const FLOOD_SENT: usize = 9;
pub(crate) const FLOOD: usize = 10;
pub(crate) const FLOOD_SUM: usize = 11;
/// For each lane, how many messages were sent, and whether there will be no more.
pub(crate) const SENT: usize = 16;
pub(crate) const ENDED: usize = SENT + LANES;
/// For each honest process, what it has allocated.
pub(crate) const LIVE: usize = ENDED + LANES;
/// For each message, where in the ring it was, and how often it came.
const NOTES: usize = 64;

/// Producers whose messages are accounted for one by one.
pub(crate) const LANES: usize = 4;
/// The lane of which only sums are kept.
pub(crate) const FLOODING: u64 = 7;
/// Messages of a lane, at most.
pub(crate) const MOST: u64 = 1 << 16;

/// The message `number` of `lane`.
pub(crate) fn message(lane: u64, number: u64) -> u64 {
    lane << 32 | number
}

pub(crate) struct Book(pub(crate) Ledger);

impl Book {
    pub(crate) fn new() -> Self {
        Self(Ledger::new(NOTES + LANES * MOST as usize).expect("a ledger"))
    }

    pub(crate) fn given(args: &mut Args) -> Self {
        Self(args.ledger())
    }

    pub(crate) fn to(&self, role: Role) -> Role {
        role.ledger(&self.0)
    }

    pub(crate) fn get(&self, word: usize) -> u64 {
        self.0.get(word)
    }

    pub(crate) fn add(&self, word: usize, count: u64) {
        self.0.add(word, count);
    }

    /// Messages of the honest, as far as their sends have returned.
    pub(crate) fn sent(&self) -> u64 {
        (0..LANES).map(|lane| self.get(SENT + lane)).sum()
    }

    /// Notes that a message came, which lay at `position`.
    pub(crate) fn note(&self, message: u64, position: u64) {
        let (lane, number) = (message >> 32, message & u64::from(u32::MAX));
        if lane == FLOODING {
            self.add(FLOOD, 1);
            self.add(FLOOD_SUM, number);
            return;
        }
        assert!(lane < LANES as u64 && number < MOST, "nobody sends {message:#x}");
        self.add(note_of(lane as usize, number), position << 8 | 1);
        self.add(RECEIVED, 1);
    }

    /// Every message that was sent came once, no other did, and the ring had each lane's in order.
    pub(crate) fn check(&self) {
        for lane in 0..LANES {
            let sent = self.get(SENT + lane);
            let mut before = None;
            for number in 0..MOST {
                let note = self.get(note_of(lane, number));
                let count = note & 0xff;
                let what = format!("message {number} of {sent} in lane {lane}");
                assert_eq!(count, u64::from(number < sent), "{what} came {count} times");
                if count == 1 {
                    let position = Some(note >> 8);
                    assert!(before < position, "{what} lay at {position:?}, the one before at {before:?}");
                    before = position;
                }
            }
        }
        assert_eq!(self.get(RECEIVED), self.sent());
    }
}

fn note_of(lane: usize, number: u64) -> usize {
    NOTES + lane * MOST as usize + number as usize
}
