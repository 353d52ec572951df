//! What a ring is meant to do, in a few lines: a queue of messages with a released, a
//! received and a next place, and the cursor that decides whether there is room.

use std::collections::VecDeque;

use ironring::Delivery;

/// A message, and where it ends in the ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) bytes: Vec<u8>,
    pub(crate) tag: u32,
    pub(crate) position: u64,
    end: u64,
}

/// How positions are counted.
pub(crate) struct Rule {
    pub(crate) capacity: u64,
    pub(crate) padding: fn(position: u64, len: usize, capacity: u64) -> u64,
    pub(crate) footprint: fn(len: usize) -> u64,
    /// What must stay free behind the last message.
    pub(crate) beyond: u64,
    pub(crate) delivery: Delivery,
}

pub(crate) struct Model {
    rule: Rule,
    /// Published and not released, oldest first.
    queue: VecDeque<Sent>,
    staged: Vec<Sent>,
    /// How many of `queue` were received and not released.
    next: usize,
    /// How many of `queue` were ever received.
    received: usize,
    head: u64,
    tail: u64,
    last: Option<(u64, u32)>,
}

impl Model {
    pub(crate) fn new(rule: Rule) -> Self {
        let (queue, staged) = (VecDeque::new(), Vec::new());
        Self { rule, queue, staged, next: 0, received: 0, head: 0, tail: 0, last: None }
    }

    fn staged_end(&self) -> u64 {
        self.staged.last().map_or(self.tail, |sent| sent.end)
    }

    /// Whether a message of `len` bytes finds room.
    pub(crate) fn has_room(&self, len: usize) -> bool {
        let start = self.staged_end();
        let Rule { capacity, padding, footprint, beyond, .. } = self.rule;
        start + padding(start, len, capacity) + footprint(len) + beyond - self.head <= capacity
    }

    pub(crate) fn stage(&mut self, bytes: Vec<u8>, tag: u32) {
        let claimed = bytes.len();
        self.stage_claimed(bytes, tag, claimed);
    }

    /// Stages a message for which room for `claimed` bytes was found.
    pub(crate) fn stage_claimed(&mut self, bytes: Vec<u8>, tag: u32, claimed: usize) {
        let start = self.staged_end();
        let position = start + (self.rule.padding)(start, claimed, self.rule.capacity);
        let end = position + (self.rule.footprint)(bytes.len());
        self.staged.push(Sent { bytes, tag, position, end });
    }

    pub(crate) fn publish(&mut self) {
        if let Some(last) = self.staged.last() {
            self.tail = last.end;
            self.last = Some((last.position, last.tag));
        }
        self.queue.extend(self.staged.drain(..));
    }

    pub(crate) fn discard(&mut self) {
        self.staged.clear();
    }

    /// The message at the front, if any, and whether it is redelivered; receives it.
    pub(crate) fn receive(&mut self) -> Option<(Sent, bool)> {
        let sent = self.queue.get(self.next)?.clone();
        let redelivered = self.next < self.received;
        self.next += 1;
        self.received = self.received.max(self.next);
        Some((sent, redelivered))
    }

    /// The message at the front, if any.
    pub(crate) fn front(&self) -> Option<&Sent> {
        self.queue.get(self.next)
    }

    pub(crate) fn release(&mut self) {
        for _ in 0..self.next {
            self.head = self.queue.pop_front().expect("it was received").end;
        }
        self.received -= self.next;
        self.next = 0;
    }

    /// Hands the last `n` back.
    pub(crate) fn hand_back(&mut self, n: usize) {
        match self.rule.delivery {
            Delivery::AtLeastOnce => self.next -= n,
            Delivery::AtMostOnce => self.release(),
        }
    }

    /// The consumer detaches, and another one attaches.
    pub(crate) fn next_consumer(&mut self) {
        match self.rule.delivery {
            Delivery::AtLeastOnce => self.next = 0,
            Delivery::AtMostOnce => {
                self.next = self.received;
                self.release();
            }
        }
    }

    /// The producer detaches, and another one attaches.
    pub(crate) fn next_producer(&mut self) {
        self.discard();
    }

    pub(crate) fn len(&self) -> u64 {
        self.tail - self.head
    }

    pub(crate) fn last(&self) -> Option<(u64, u32)> {
        self.last
    }
}
