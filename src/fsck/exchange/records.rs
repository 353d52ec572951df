//! The records of an exchange ring's participants: each word alone, and what to tell of them.

use super::{
    Fate, Intended, Judge,
    words::{ASIDE, DROPPING, Held, MAX_MESSAGES, MESSAGES, SPARE},
};
use crate::{
    Delivery,
    fsck::report::At,
    geometry::Exchange,
    layout::{ATTACHED, RECOVERED},
};

impl Judge<'_> {
    /// Judges each word of a record that can be judged without the others.
    pub(super) fn judge_record(&mut self, number: u32) {
        let record = &self.snapshot.records[number as usize];
        let at = At::Participant(number);
        for (place, held) in record.held() {
            let at = At::Held { participant: number, place };
            let expected = self.fault_of(held);
            self.report.require(
                expected.is_none(),
                "held",
                at,
                record.held[place as usize],
                expected.unwrap_or_default(),
            );
        }
        if record.held().all(|(_, held)| held.state != SPARE) {
            self.report.find("held", at, "no spare slot", "one at least");
        }
        self.report.require(record.state <= RECOVERED, "state", at, record.state, "0, 1 or 2");
        let roles = if record.state == ATTACHED { "1 or 2" } else { "0, 1 or 2" };
        let is_right = record.role <= 2 && (record.role != 0 || record.state != ATTACHED);
        self.report.require(is_right, "role", at, record.role, roles);
        let may_intend = record.state == ATTACHED || record.intent == 0;
        self.report.require(may_intend, "intent", at, record.intent, "0, since nobody is attached");
        for (word, tag) in ["last_tag", "next_tag"].into_iter().zip(record.tags) {
            self.report.require(tag <= u32::MAX.into(), word, at, tag, "a number of 32 bits");
        }
        for (word, [count, before]) in [("dropped", record.dropped), ("displaced", record.displaced)] {
            let is_right = Self::is_count(count, before);
            self.report.require(
                is_right,
                word,
                at,
                count,
                format!("a slot's messages more than {before:#x} at most"),
            );
        }
    }

    /// Whether `count` is one that comes from `before` and at most one slot's messages.
    pub(super) const fn is_count(count: u64, before: u64) -> bool {
        count.wrapping_sub(before) <= MAX_MESSAGES
    }

    /// What a held word may be, if it cannot be this.
    fn fault_of(&self, held: Held) -> Option<String> {
        let Exchange { max_deliveries, .. } = self.ring.exchange;
        let is_at_least_once = self.ring.geometry.delivery == Delivery::AtLeastOnce;
        let most = match max_deliveries {
            0 => Exchange::MAX_DELIVERIES.into(),
            most => u64::from(most),
        };
        let counts = [held.released, held.received, held.deliveries];
        let must = |holds: bool, expected: &str| (!holds).then(|| expected.to_owned());
        if held.slot >= self.ring.bits.slots {
            return Some(format!("a slot below {}", self.ring.bits.slots));
        }
        match held.state {
            SPARE => must(counts == [0; 3], "a spare slot, with nothing counted"),
            MESSAGES if is_at_least_once => must(
                held.received == 0 && (1..=most).contains(&held.deliveries),
                &format!("messages, delivered 1 to {most} times"),
            ),
            MESSAGES => must(
                held.deliveries == 1 && (held.received == 0 || held.received >= held.released),
                "messages, delivered once, and no more released than received",
            ),
            ASIDE => must(
                is_at_least_once && max_deliveries != 0 && held.received == 0 && held.deliveries == most,
                "messages set aside, where that is done, when they were delivered as often as may be",
            ),
            DROPPING => must(
                !is_at_least_once && held.received > held.released,
                "messages to be dropped, where delivery is at most once",
            ),
            _ => Some("a state from 0 to 3".to_owned()),
        }
    }

    /// Tells of a participant that is at work, or has left something to set right.
    pub(super) fn tell_of(&mut self, number: u32, intended: Option<&Intended>) {
        let record = &self.snapshot.records[number as usize];
        let count = |state| record.held().filter(|(_, held)| held.state == state).count();
        let (messages, aside, dropping) = (count(MESSAGES), count(ASIDE), count(DROPPING));
        let role = if record.role == 2 { "consumer" } else { "producer" };
        let mut told = match (record.state == ATTACHED, record.is_locked) {
            (true, true) => format!("participant {number}, a {role}, process {}, is attached", record.pid),
            (true, false) => {
                format!(
                    "participant {number}, a {role}, process {}, died, and is not recovered yet",
                    record.pid
                )
            }
            (false, true) => {
                format!("the record of participant {number} is locked: it attaches, or is looked after")
            }
            (false, false) if messages + dropping > 0 => format!("participant {number} has left"),
            (false, false) if aside > 0 => format!("participant {number} is gone"),
            (false, false) => return,
        };
        if let Some(intended) = intended {
            let fate = match intended.fate {
                Fate::Undone => "has not taken place",
                Fate::Unrecorded => "has taken place, and is not recorded",
                Fate::Recorded => "has taken place",
            };
            told += &format!("; {} that is in its journal {fate}", intended.name());
        }
        for (slots, what) in
            [(messages, "with messages"), (dropping, "with messages being dropped"), (aside, "set aside")]
        {
            if slots > 0 {
                told += &format!("; {slots} slots {what}");
            }
        }
        self.report.note(told);
    }
}
