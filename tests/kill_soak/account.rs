//! The account of a round: what became of each message, and whether that may be.

use std::{fmt, ops::Range};

use crate::{
    book::{Book, LANES, MESSAGES, NEXT, Note},
    setting::Setting,
    victim::Blows,
};

/// Counts of messages, where it does not say otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    pub(crate) kills: u64,
    stops: u64,
    restarts: u64,
    /// Sends of them returned.
    pub(crate) sent: u64,
    /// Their sender was killed sending them: sent all the same, or not.
    cut_off_sent: u64,
    cut_off_unsent: u64,
    /// They reached a consumer.
    pub(crate) delivered: u64,
    /// Deliveries, all of them marked, of such as had reached a consumer, or had been about to.
    redelivered: u64,
    displaced: u64,
    /// Dropped by the ring, as it counts them.
    dropped: u64,
    /// Copies that a killed consumer had taken and nobody saw.
    copies_cut_off: u64,
    /// What must not be.
    lost: u64,
    duplicated: u64,
    out_of_order: u64,
    miscounted: u64,
}

/// What is summed up of one round before it is judged.
#[derive(Default)]
struct Sums {
    account: Account,
    /// Slots of which a message was seen, or the send returned.
    slots: u64,
    /// Slots whose sender was killed, and of which nothing was seen; and their messages.
    open_slots: u64,
    open_messages: u64,
    /// Messages that were sent, and not seen.
    missing: u64,
    /// Messages whose consumer was killed before it released them; or while it did.
    held: u64,
    releasing: u64,
    /// Slots whose sender was killed.
    cut_off: u64,
    places: Vec<(u64, u64)>,
}

impl Sums {
    /// Counts the messages of one slot.
    fn add(&mut self, book: &Book, messages: Range<u64>, last: &mut Option<u64>) {
        let notes = || messages.clone().map(|number| book.note(number));
        let count = messages.end - messages.start;
        let got = |note: Note| note.deliveries() > 0 || note.is(Note::COPIED);
        let is_seen = notes().any(|note| got(note) || note.is(Note::DISPLACED));
        let is_sent = notes().any(|note| note.is(Note::SENT));
        let account = &mut self.account;
        if is_sent {
            account.sent += count;
        } else {
            self.cut_off += 1;
            *(if is_seen { &mut account.cut_off_sent } else { &mut account.cut_off_unsent }) += count;
        }
        if !is_sent && !is_seen {
            self.open_slots += 1;
            self.open_messages += count;
            return;
        }
        self.slots += 1;
        for note in notes() {
            account.delivered += u64::from(got(note));
            account.redelivered += note.again();
            account.displaced += u64::from(note.is(Note::DISPLACED));
            account.duplicated += note.fresh().saturating_sub(1);
            let releasing = got(note) && note.is(Note::RELEASING) && !note.is(Note::RELEASED);
            self.releasing += u64::from(releasing);
            self.held += u64::from(got(note) && !note.is(Note::RELEASED) && !releasing);
            self.missing += u64::from(!got(note) && !note.is(Note::DISPLACED));
        }
        let mut seen_at = messages.clone().filter_map(|number| book.position(number));
        if let Some(position) = seen_at.next() {
            let is_in_order = last.is_none_or(|last| last < position) && seen_at.all(|at| at == position);
            account.out_of_order += u64::from(!is_in_order);
            *last = Some(position);
            self.places.push((position, messages.start));
        }
    }
}

impl Account {
    /// `slots` is how many the ring has carried, `counted` how many messages it says were
    /// displaced, and dropped.
    pub(crate) fn of(book: &Book, setting: Setting, blows: Blows, slots: u64, counted: [u64; 2]) -> Self {
        let mut sums = Sums::default();
        for lane in 0..LANES as u64 {
            let numbers = lane * MESSAGES..lane * MESSAGES + book.ledger.get(NEXT + lane as usize);
            let mut last = None;
            let mut next = numbers.start;
            while next < numbers.end {
                let first = next;
                next += 1;
                // A number whose sender was killed before it began.
                if !book.note(first).is(Note::BEGUN) {
                    continue;
                }
                let belongs = |note: Note| note.is(Note::BEGUN) && !note.is(Note::FIRST);
                while next < numbers.end && belongs(book.note(next)) {
                    next += 1;
                }
                sums.add(book, first..next, &mut last);
            }
        }
        sums.judge(setting, blows, slots, counted)
    }

    pub(crate) fn sum<'a>(accounts: impl IntoIterator<Item = &'a Self>) -> Self {
        accounts.into_iter().fold(Self::default(), |mut sum, account| {
            sum.add(account);
            sum
        })
    }

    pub(crate) fn unexplained(&self) -> u64 {
        self.lost + self.duplicated + self.out_of_order + self.miscounted
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let Self { kills, stops, restarts, sent, cut_off_sent, cut_off_unsent, .. } = other;
        let Self { delivered, redelivered, displaced, dropped, copies_cut_off, .. } = other;
        let Self { lost, duplicated, out_of_order, miscounted, .. } = other;
        self.kills += kills;
        self.stops += stops;
        self.restarts += restarts;
        self.sent += sent;
        self.cut_off_sent += cut_off_sent;
        self.cut_off_unsent += cut_off_unsent;
        self.delivered += delivered;
        self.redelivered += redelivered;
        self.displaced += displaced;
        self.dropped += dropped;
        self.copies_cut_off += copies_cut_off;
        self.lost += lost;
        self.duplicated += duplicated;
        self.out_of_order += out_of_order;
        self.miscounted += miscounted;
    }
}

impl Sums {
    fn judge(
        mut self,
        setting: Setting,
        blows: Blows,
        slots: u64,
        [displaced, dropped]: [u64; 2],
    ) -> Account {
        self.places.sort_unstable();
        let shared = self.places.windows(2).filter(|two| two[0].0 == two[1].0).count() as u64;
        // Slots that were sent by one who was killed, and of which nothing was seen.
        let unseen = slots.saturating_sub(self.slots);
        let open = if unseen > 0 { self.open_messages } else { 0 };
        let Self { mut account, missing, held, releasing, .. } = self;
        account.kills = blows.producers_killed + blows.consumers_killed;
        account.stops = blows.stops;
        account.restarts = blows.restarts;
        account.out_of_order += shared;
        account.miscounted += self.slots.saturating_sub(slots)
            + unseen.saturating_sub(self.open_slots)
            + self.cut_off.saturating_sub(blows.producers_killed);
        let (missing, dropped_here, displaced_here) = match setting {
            Setting::AtLeastOnce => (missing + unseen, 0..=0, 0..=0),
            // Every one that is missing was dropped, and so was what was held.
            Setting::AtMostOnce => (0, missing + held..=missing + held + releasing + open, 0..=0),
            Setting::Displacing => {
                let noted = account.displaced;
                (0, 0..=0, noted + missing..=noted + missing + open)
            }
            Setting::Copying => {
                account.copies_cut_off = (missing + unseen).min(blows.copies_cut_off);
                (missing + unseen - account.copies_cut_off, 0..=0, 0..=0)
            }
        };
        account.lost = missing;
        account.dropped = dropped;
        account.displaced = displaced;
        for (counted, may_be) in [(dropped, dropped_here), (displaced, displaced_here)] {
            account.miscounted +=
                may_be.start().saturating_sub(counted) + counted.saturating_sub(*may_be.end());
        }
        account
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, stops, restarts, sent, cut_off_sent, cut_off_unsent, .. } = self;
        let Self { delivered, redelivered, displaced, dropped, copies_cut_off, .. } = self;
        let Self { lost, duplicated, out_of_order, miscounted, .. } = self;
        write!(
            f,
            "{kills} kills, {stops} stops, {restarts} restarts; {sent} sent, in flight at a kill \
             {cut_off_sent} sent and {cut_off_unsent} not; {delivered} delivered, {redelivered} \
             times again, {displaced} displaced, {dropped} dropped, {copies_cut_off} copies \
             cut off; {lost} lost, {duplicated} duplicated unmarked, {out_of_order} out of order, \
             {miscounted} miscounted; unexplained: {}",
            self.unexplained()
        )
    }
}
