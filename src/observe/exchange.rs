//! Going through the messages of an exchange ring that others use meanwhile: from entry to
//! entry, where each tells whether its messages are still there.

use std::collections::VecDeque;

use super::{Peeked, Usage};
use crate::{
    error::Corrupt,
    mpmc::{Look, Watch},
};

/// Goes from slot to slot, and ends even if others keep the ring filled.
#[derive(Debug)]
pub(super) struct Slots<'a> {
    watch: &'a Watch,
    position: u64,
    /// How many looks it still takes: two capacities in all.
    left: u64,
    /// The messages of the slot that was looked at last.
    copied: VecDeque<Peeked>,
}

impl<'a> Slots<'a> {
    pub(super) const fn new(watch: &'a Watch, head: u64, capacity: u64) -> Self {
        Self { watch, position: head, left: 2 * capacity, copied: VecDeque::new() }
    }

    /// The next message, copied.
    pub(super) fn next(&mut self) -> Result<Option<Peeked>, Corrupt> {
        while self.copied.is_empty() {
            let Some((position, copies)) = self.step(Watch::copy)? else { return Ok(None) };
            self.copied.extend(copies.into_iter().map(|copied| Peeked {
                position,
                tag: copied.tag,
                is_received: false,
                bytes: copied.bytes,
            }));
        }
        Ok(self.copied.pop_front())
    }

    /// What is left, counted; a slot takes `stride` bytes.
    pub(super) fn count(mut self, stride: u64) -> Result<Usage, Corrupt> {
        let mut usage = Usage { messages: 0, bytes: 0 };
        while let Some((_, messages)) = self.step(Watch::count)? {
            usage.messages += u64::from(messages);
            usage.bytes += stride;
        }
        Ok(usage)
    }

    /// The next position that is full, and what `look` makes of it.
    fn step<T>(
        &mut self,
        look: impl Fn(&Watch, u64) -> Result<Look<T>, Corrupt>,
    ) -> Result<Option<(u64, T)>, Corrupt> {
        while self.left > 0 {
            self.left -= 1;
            let position = self.position;
            match look(self.watch, position)? {
                Look::Full(found) => {
                    self.position = position.wrapping_add(1);
                    return Ok(Some((position, found)));
                }
                Look::Taken(next) => self.position = next,
                Look::End => break,
            }
        }
        Ok(None)
    }
}
