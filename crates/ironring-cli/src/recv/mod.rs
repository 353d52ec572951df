//! `ironring recv`.

mod passage;
mod sink;

use std::time::{Duration, Instant};

use ironring::{Error, Holder, RecvError, Ring, Role};

use self::passage::Passage;
use crate::{
    args::Recv,
    failure::{Failure, complain},
    kind::Used,
    open::{Opened, open_or_make},
};

/// How long to wait for a message before asking after the senders: at first, and when
/// nothing has come for long.
const SHORT_WAIT: Duration = Duration::from_millis(1);
const LONG_WAIT: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &Recv) -> Result<(), Failure> {
    match open_or_make(&args.ring.name())? {
        Opened::Spsc(ring) => recv(&ring, args),
        Opened::Mpmc(ring) => recv(&ring, args),
    }
}

fn recv<A: Used>(ring: &Ring<[u8], A>, args: &Recv) -> Result<(), Failure> {
    let mut consumer = ring.consumer()?;
    consumer.set_wait(args.waiting.strategy());
    let mut passage = Passage::new(consumer)?;
    let mut ends = Ends::before(ring, &passage)?;
    let done = receive(ring, args, &mut passage, &mut ends);
    ends.tell_of_the_dead(args, &mut passage);
    if A::TELLS_REDELIVERIES && passage.redelivered() > 0 {
        let count = passage.redelivered();
        let what = "had been received before by one that did not finish with them, and may have come twice";
        complain(Some(args.ring.shown()), format_args!("{count} messages {what}"));
    }
    done
}

fn receive<A: Used>(
    ring: &Ring<[u8], A>,
    args: &Recv,
    passage: &mut Passage<A>,
    ends: &mut Ends,
) -> Result<(), Failure> {
    let mut left = args.count.unwrap_or(u64::MAX);
    let idle_exit = args.idle_exit.map(Duration::from_millis);
    let timeout = args.waiting.timeout();
    let limit = idle_exit.into_iter().chain(timeout).min();
    let mut idle_since = Instant::now();
    let mut wait = SHORT_WAIT;
    while left > 0 {
        let rest = limit.map_or(Duration::MAX, |limit| limit.saturating_sub(idle_since.elapsed()));
        let passed = passage.pass(left, wait.min(rest))?;
        if let Some(passed) = passed.filter(|passed| *passed > 0) {
            left -= passed;
            (idle_since, wait) = (Instant::now(), SHORT_WAIT);
            continue;
        }
        ends.tell_of_the_dead(args, passage);
        if let Some(killed) = ends.next(ring, passage)? {
            match report(&killed) {
                ended if !args.follow => return ended,
                Err(Failure::SenderKilled(why)) => complain(Some(args.ring.shown()), why),
                _ => {}
            }
        }
        if passed.is_none() {
            return Ok(());
        }
        // Asked first: what was sent before the removal is still received.
        if passage.consumer.is_retired() && passage.consumer.is_empty() {
            return Err(RecvError::Retired.into());
        }
        if rest <= wait {
            return if limit == idle_exit { Ok(()) } else { Err(timed_out()) };
        }
        wait = LONG_WAIT.min(2 * wait);
    }
    Ok(())
}

fn timed_out() -> Failure {
    Failure::TimedOut("--timeout is over: no message has come".into())
}

/// The ends of senders that are known.
struct Ends {
    /// Of how many senders they were reported. Other receivers may have reported them since.
    count: u64,
    /// The killed among them.
    killed: Vec<Holder>,
    /// Senders that this receiver found dead, and whose end is news.
    found: Vec<Holder>,
}

impl Ends {
    /// Those that were reported before this receiver came.
    fn before<A: Used>(ring: &Ring<[u8], A>, passage: &Passage<A>) -> Result<Self, Error> {
        let count = A::ended(&passage.consumer);
        let senders = A::senders(ring, &passage.consumer)?;
        let killed = if senders.came <= count { senders.killed } else { Vec::new() };
        Ok(Self { count, killed, found: Vec::new() })
    }

    /// Tells whom this receiver found dead since it was last asked, and keeps the senders.
    fn tell_of_the_dead<A: Used>(&mut self, args: &Recv, passage: &mut Passage<A>) {
        for recovered in A::take_recovered(&mut passage.consumer) {
            complain(Some(args.ring.shown()), recovered);
            if recovered.role == Some(Role::Producer) {
                self.found.push(recovered.holder);
            }
        }
    }

    /// If the end of the senders is news, those of them that were killed: all are gone, and
    /// what they sent was received. It is no news any more after this.
    fn next<A: Used>(
        &mut self,
        ring: &Ring<[u8], A>,
        passage: &mut Passage<A>,
    ) -> Result<Option<Vec<Holder>>, Error> {
        // The ring is looked at after the senders were: they publish before they go.
        let senders = A::senders(ring, &passage.consumer)?;
        if !senders.are_gone || senders.came <= self.count || !passage.consumer.is_empty() {
            return Ok(None);
        }
        A::report_end(&mut passage.consumer, &senders);
        let mut news = std::mem::take(&mut self.found);
        for killed in &senders.killed {
            if !news.contains(killed) {
                news.push(*killed);
            }
        }
        news.retain(|killed| !self.killed.contains(killed));
        (self.count, self.killed) = (senders.came, senders.killed);
        Ok(Some(news))
    }
}

fn report(killed: &[Holder]) -> Result<(), Failure> {
    let who = match killed {
        [] => return Ok(()),
        [one] => format!("the sender (process {}) was killed before it had finished", one.pid),
        [one, ..] => {
            format!(
                "{} senders (process {} and others) were killed before they had finished",
                killed.len(),
                one.pid
            )
        }
    };
    Err(Failure::SenderKilled(format!("{who}: what was sent is written out, more may be missing")))
}
