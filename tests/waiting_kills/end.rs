//! Those who live: one who waits, in a thread, and one who wakes it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ironring::{Ring, Role, Wait, WhenAlone};

use crate::peer::{Kind, Receiver, Sender, Waiting, receiver, sender, word};
use crate::support::layout::WAITED_FOR;

/// A participant of either role.
pub(crate) enum End<A: Kind> {
    Sender(Sender<A>),
    Receiver(Receiver<A>),
}

impl<A: Kind> End<A> {
    pub(crate) fn attach(ring: &Ring<u64, A>, role: Role) -> Self {
        match role {
            Role::Producer => {
                let mut producer = sender(ring, Wait::Park);
                producer.set_when_alone(WhenAlone::Wait);
                Self::Sender(producer)
            }
            Role::Consumer => {
                let mut consumer = receiver(ring, Wait::Park);
                consumer.set_when_alone(WhenAlone::Wait);
                Self::Receiver(consumer)
            }
        }
    }

    /// Sends `number`, or receives another one, which it returns; waits until it can.
    pub(crate) fn pass(&mut self, number: u64) -> u64 {
        match self {
            Self::Sender(producer) => {
                producer.send(&number).expect("room");
                number
            }
            Self::Receiver(consumer) => consumer.recv_value().expect("a message"),
        }
    }
}

/// The longest that anybody sleeps through something: docs/WAITING.md.
pub(crate) const BOUND: Duration = Duration::from_millis(50);
/// So late is never.
const STUCK: Duration = Duration::from_secs(10);

/// It is not served, or does not come to sleep.
#[derive(Debug)]
pub(crate) struct Stuck;

/// One who waits, again and again.
pub(crate) struct Waiter {
    thread: JoinHandle<()>,
    state: String,
    served: Arc<AtomicU64>,
    is_to_end: Arc<AtomicBool>,
    waiting: Waiting,
}

impl Waiter {
    pub(crate) fn start<A: Kind>(mut end: End<A>) -> Self {
        let served = Arc::new(AtomicU64::new(0));
        let is_to_end = Arc::new(AtomicBool::new(false));
        let (tell, told) = mpsc::channel();
        let waiting = match end {
            End::Receiver(_) => Waiting::ForMessage,
            End::Sender(_) => Waiting::ForRoom,
        };
        let (count, ends) = (served.clone(), is_to_end.clone());
        let thread = thread::spawn(move || {
            // SAFETY: has no preconditions.
            tell.send(unsafe { libc::gettid() }).expect("somebody who listens");
            while !ends.load(SeqCst) {
                let number = end.pass(0);
                match waiting {
                    Waiting::ForMessage => count.fetch_max(number, SeqCst),
                    Waiting::ForRoom => count.fetch_add(1, SeqCst),
                };
            }
        });
        let state = format!("/proc/self/task/{}/stat", told.recv().expect("its number"));
        Self { thread, state, served, is_to_end, waiting }
    }

    /// Waits until it sleeps.
    pub(crate) fn must_sleep<A: Kind>(&self, ring: &Ring<u64, A>) -> Result<(), Stuck> {
        must(|| sleeps(&self.state) && word(ring, self.waiting) & WAITED_FOR != 0)
    }

    /// How far it is served: the highest number that it has received, or how many it has sent.
    pub(crate) fn served(&self) -> u64 {
        self.served.load(SeqCst)
    }

    /// What [`served`](Self::served) is once `number` was sent to it, or one more was received from it.
    pub(crate) fn when_served(&self, number: u64) -> u64 {
        match self.waiting {
            Waiting::ForMessage => number,
            Waiting::ForRoom => self.served() + 1,
        }
    }

    /// Waits until it is served so far; how long that took.
    pub(crate) fn must_be_served(&self, target: u64) -> Result<Duration, Stuck> {
        let begun = Instant::now();
        must(|| self.served() >= target).map(|()| begun.elapsed())
    }

    /// Has it end when it is served next, by `serve`, and let go of its place.
    pub(crate) fn end(self, serve: impl FnOnce()) -> Result<(), Stuck> {
        self.is_to_end.store(true, SeqCst);
        serve();
        must(|| self.thread.is_finished())?;
        self.thread.join().map_err(|_| Stuck)
    }
}

fn must(mut done: impl FnMut() -> bool) -> Result<(), Stuck> {
    let begun = Instant::now();
    while !done() {
        if begun.elapsed() > STUCK {
            return Err(Stuck);
        }
        thread::sleep(Duration::from_micros(50));
    }
    Ok(())
}

/// Whether the thread or process with this `stat` file sleeps.
fn sleeps(stat: &str) -> bool {
    // Behind the command, which is in parentheses.
    let stat = std::fs::read_to_string(stat).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|state| state.starts_with('S'))
}

/// One who serves a victim once it sleeps.
pub(crate) struct Helper<A: Kind> {
    thread: JoinHandle<End<A>>,
    is_to_end: Arc<AtomicBool>,
}

impl<A: Kind> Helper<A> {
    /// For process `pid`, which is to sleep in `ring`.
    pub(crate) fn start(mut end: End<A>, pid: i32, ring: &Ring<u64, A>, number: u64) -> Self {
        let is_to_end = Arc::new(AtomicBool::new(false));
        let (ends, stat, ring) = (is_to_end.clone(), format!("/proc/{pid}/stat"), ring.clone());
        let waiting = match end {
            End::Sender(_) => Waiting::ForMessage,
            End::Receiver(_) => Waiting::ForRoom,
        };
        let thread = thread::spawn(move || {
            while !ends.load(SeqCst) {
                if word(&ring, waiting) & WAITED_FOR != 0 && sleeps(&stat) {
                    end.pass(number);
                    break;
                }
                thread::sleep(Duration::from_micros(50));
            }
            end
        });
        Self { thread, is_to_end }
    }

    /// The participant that served, or would have.
    pub(crate) fn end(self) -> End<A> {
        self.is_to_end.store(true, SeqCst);
        self.thread.join().expect("one who serves")
    }
}
