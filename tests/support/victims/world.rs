//! How things may have gone: a queue, what victims have taken from it, and how far they got.

use std::{collections::VecDeque, fmt};

use ironring::Delivery;

/// Messages that share a slot, or what is left of them: so many, numbered from `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) first: u64,
    pub(crate) count: u64,
}

/// What an operation does to the queue, each at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Enqueues messages of its own.
    Enqueue(Slot),
    /// The same; where the ring is full, in the place of the oldest slot.
    Displace(Slot),
    /// Dequeues a slot.
    Dequeue,
    /// Is given so many messages of the slot taken last: at most once, they do not come again.
    Receive(u64),
    /// Releases the slot taken last.
    Free,
    /// Releases the first message of the slot taken last.
    FreeFirst,
    /// Hands back the slot taken last.
    Return,
}

impl Effect {
    /// Whether it is an exchange of slots.
    pub(crate) fn is_exchange(self) -> bool {
        matches!(self, Self::Enqueue(_) | Self::Displace(_) | Self::Dequeue)
    }
}

/// A slot that a victim has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Taken {
    slot: Slot,
    /// At most once: messages that count as received.
    received: u64,
    /// Messages that have come again.
    again: u64,
}

impl Taken {
    /// The next that comes again, if its victim is dead.
    fn next(&self) -> Option<u64> {
        let past = self.received + self.again;
        (past < self.slot.count).then_some(self.slot.first + past)
    }
}

/// One way in which things may have gone.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// How many effects of each victim's operation have taken place.
    pub(crate) steps: Vec<usize>,
    delivery: Delivery,
    capacity: usize,
    queue: VecDeque<Slot>,
    /// The rest of the slot that the survivors are receiving.
    begun: Option<Slot>,
    taken: Vec<Taken>,
    /// Messages that were displaced.
    pub(crate) displaced: u64,
}

impl World {
    /// An empty ring of so many slots.
    pub(crate) fn new(capacity: u64, delivery: Delivery) -> Self {
        Self {
            steps: Vec::new(),
            delivery,
            capacity: capacity as usize,
            queue: VecDeque::new(),
            begun: None,
            taken: Vec::new(),
            displaced: 0,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() == self.capacity
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.begun.is_none()
    }

    /// Slots in the ring.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn is_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// Whether it differs from `other` in nothing that anybody could see.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.queue == other.queue
            && self.begun == other.begun
            && self.taken == other.taken
            && self.displaced == other.displaced
    }

    pub(crate) fn apply(&mut self, effect: Effect) {
        let at_most_once = self.delivery == Delivery::AtMostOnce;
        match effect {
            Effect::Enqueue(slot) => self.queue.push_back(slot),
            Effect::Displace(slot) => {
                if self.is_full() {
                    self.displaced += self.queue.pop_front().map_or(0, |oldest| oldest.count);
                }
                self.queue.push_back(slot);
            }
            Effect::Dequeue => {
                let slot = self.queue.pop_front().expect("a scene has a message for each `Dequeue`");
                self.taken.push(Taken { slot, received: 0, again: 0 });
            }
            Effect::Receive(count) => {
                if let Some(taken) = self.taken.last_mut()
                    && at_most_once
                {
                    taken.received += count;
                }
            }
            Effect::Free => {
                self.taken.pop();
            }
            Effect::FreeFirst => {
                if let Some(taken) = self.taken.last_mut() {
                    taken.slot = Slot { first: taken.slot.first + 1, count: taken.slot.count - 1 };
                    taken.received = taken.received.saturating_sub(1);
                }
            }
            // At most once, it is released.
            Effect::Return if at_most_once => {
                self.taken.pop();
            }
            Effect::Return => {}
        }
    }

    /// Whether the slot that a victim took last begins with that message.
    pub(crate) fn has_taken(&self, number: u64) -> bool {
        self.taken.last().is_some_and(|taken| taken.slot.first == number)
    }

    /// Whether dead victims leave messages that come again.
    pub(crate) fn comes_again(&self) -> bool {
        self.taken.iter().any(|taken| taken.next().is_some())
    }

    /// Messages that dead victims had received and nobody gets.
    pub(crate) fn dropped(&self) -> u64 {
        self.taken.iter().map(|taken| taken.received).sum()
    }

    /// The messages that may come next.
    pub(crate) fn next(&self) -> impl Iterator<Item = u64> {
        self.in_order().into_iter().chain(self.taken.iter().filter_map(Taken::next))
    }

    /// Whether the message is still to come.
    pub(crate) fn has(&self, number: u64) -> bool {
        let is_in = |slot: &Slot| (slot.first..slot.first + slot.count).contains(&number);
        self.queue.iter().chain(&self.begun).any(is_in) || self.taken.iter().any(|taken| is_in(&taken.slot))
    }

    fn in_order(&self) -> Option<u64> {
        self.begun.or_else(|| self.queue.front().copied()).map(|slot| slot.first)
    }

    /// A survivor has sent messages.
    pub(crate) fn send(&mut self, slot: Slot) {
        self.queue.push_back(slot);
    }

    /// Whether a survivor may receive that message now.
    pub(crate) fn may_receive(&self, number: u64, is_marked: bool) -> bool {
        self.comes_as(is_marked) && self.again(number).is_some()
            || !is_marked && self.in_order() == Some(number)
    }

    /// A survivor has received a message, which it may.
    pub(crate) fn receive(&mut self, number: u64, is_marked: bool) {
        if self.comes_as(is_marked)
            && let Some(index) = self.again(number)
        {
            self.taken[index].again += 1;
            return;
        }
        let slot = self.begun.take().or_else(|| self.queue.pop_front());
        self.begun = slot
            .map(|slot| Slot { first: slot.first + 1, count: slot.count - 1 })
            .filter(|rest| rest.count > 0);
    }

    /// Whether what comes again does so: marked, where the dead may have seen it.
    fn comes_as(&self, is_marked: bool) -> bool {
        is_marked == (self.delivery == Delivery::AtLeastOnce)
    }

    /// Which slot of the dead the message is the next of.
    fn again(&self, number: u64) -> Option<usize> {
        self.taken.iter().position(|taken| taken.next() == Some(number))
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = [self.queue.front(), self.queue.back()].map(|slot| slot.map_or(0, |slot| slot.first));
        write!(
            f,
            "{} slots from message {:#x} to {:#x}, {:?} taken, {} displaced, if victims took {:?} steps",
            self.len(),
            ends[0],
            ends[1],
            self.taken,
            self.displaced,
            self.steps
        )
    }
}
