//! `ironring recv`.

mod passage;
mod sink;

use std::time::{Duration, Instant};

use ironring::{Error, Presence, RecvError, State, spsc::Consumer};

use self::passage::Passage;
use crate::{
    args::Recv,
    failure::{Failure, complain},
    open::open_or_make,
};

/// How long to wait for a message before asking after the sender: at first, and when
/// nothing has come for long.
const SHORT_WAIT: Duration = Duration::from_millis(1);
const LONG_WAIT: Duration = Duration::from_millis(100);

pub(crate) fn run(args: &Recv) -> Result<(), Failure> {
    let ring = open_or_make(&args.name)?;
    let mut passage = Passage::new(ring.consumer()?, ring.delivery())?;
    let mut left = args.count.unwrap_or(u64::MAX);
    let idle_exit = args.idle_exit.map(Duration::from_millis);
    let mut idle_since = Instant::now();
    let mut wait = SHORT_WAIT;
    while left > 0 {
        let rest = idle_exit.map_or(Duration::MAX, |limit| limit.saturating_sub(idle_since.elapsed()));
        let passed = passage.pass(left, wait.min(rest))?;
        if passed > 0 {
            left -= passed;
            (idle_since, wait) = (Instant::now(), SHORT_WAIT);
            continue;
        }
        let consumer = &mut passage.consumer;
        if let Some(sender) = ended_sender(consumer)? {
            match report(&sender) {
                ended if !args.follow => return ended,
                Err(Failure::SenderKilled(why)) => complain(Some(&args.name), why),
                _ => {}
            }
        }
        // Asked first: what was sent before the removal is still received.
        if consumer.is_retired() && consumer.is_empty() {
            return Err(RecvError::Retired.into());
        }
        if rest <= wait {
            return Ok(());
        }
        wait = LONG_WAIT.min(2 * wait);
    }
    Ok(())
}

/// The sender whose end is news, if there is one: it has gone, and what it sent was
/// received. The end is no news any more after this.
fn ended_sender(consumer: &mut Consumer<[u8]>) -> Result<Option<Presence>, Error> {
    // The ring is looked at after the sender was: it publishes before it goes.
    let sender = consumer.producer()?;
    if sender.state == State::Attached || sender.attachments <= consumer.ended() || !consumer.is_empty() {
        return Ok(None);
    }
    consumer.acknowledge_end(&sender);
    Ok(Some(sender))
}

fn report(sender: &Presence) -> Result<(), Failure> {
    if sender.state == State::Died {
        return Err(Failure::SenderKilled(format!(
            "the sender (process {}) was killed before it had finished: what it sent is written out, more may be \
             missing",
            sender.holder.pid
        )));
    }
    Ok(())
}
