//! One ring, those who wait in it, and the account of all.

use std::time::{Duration, Instant};

use ironring::Role;
use ironring_testkit::{Child, Ledger, Role as Process, rng::Seeded};

use crate::{
    peer::{Kind, ring},
    watchdog,
};

/// Which word of the ledger tells the producers to end.
pub(crate) const STOP: usize = 0;

/// What each process writes down, in words of the ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word {
    /// Messages.
    Count,
    /// The sum of what they said.
    Sum,
    Sleeps,
    /// Waits that took [`LATE`] or longer.
    Late,
    /// The longest wait, in microseconds.
    Longest,
}

impl Word {
    const COUNT: usize = 5;

    /// Where process number `process` writes it.
    pub(crate) const fn of(self, process: usize) -> usize {
        1 + process * Self::COUNT + self as usize
    }
}

/// The patience of a sleeper: one whose wake-up is lost sleeps as long, and so does one that a busy
/// system does not run.
pub(crate) const LATE: Duration = Duration::from_millis(30);

/// Who takes part in a ring of two messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) producers: usize,
    pub(crate) consumers: usize,
    /// Whose members pause, for a time at random, after each message.
    pub(crate) slow: Option<Role>,
}

impl Load {
    /// Goes on until there were as many `rounds`.
    pub(crate) fn run<A: Kind>(self, rounds: u64) {
        let Self { name, producers, consumers, .. } = self;
        watchdog::about(format!("of {name}, or what ran beside it"));
        let mut rng = Seeded::new();
        let ring = ring::<A>(2);
        let all = producers + consumers;
        let ledger = Ledger::new(Word::Longest.of(all)).expect("a ledger");
        let begun = Instant::now();
        let mut children: Vec<Child> = (0..all)
            .map(|number| {
                let (role, does) =
                    if number < producers { (Role::Producer, "send") } else { (Role::Consumer, "receive") };
                let process = Process::new(&format!("{}::{does}", A::NAME)).ledger(&ledger);
                let process = process.arg(number).arg(rng.u64(..)).arg(self.slow == Some(role));
                process.pass_fd("ring", &ring).spawn().expect("a process")
            })
            .collect();
        let sum = |word: Word, range: std::ops::Range<usize>| -> u64 {
            range.map(|process| ledger.get(word.of(process))).sum()
        };
        let mut slept = 0;
        while slept < rounds {
            std::thread::sleep(Duration::from_millis(10));
            let now = sum(Word::Sleeps, 0..all);
            if now > slept {
                watchdog::progress();
            }
            slept = now;
            let ended = children.iter_mut().position(|child| child.wait_timeout(Duration::ZERO).is_some());
            assert_eq!(ended, None, "{name}: one has ended");
        }
        ledger.set(STOP, 1);
        assert!(children[..producers].iter_mut().all(|child| child.wait().success()), "{name}");
        ring.close();
        assert!(children[producers..].iter_mut().all(|child| child.wait().success()), "{name}");
        let [sent, received] = [0..producers, producers..all]
            .map(|of: std::ops::Range<usize>| [Word::Count, Word::Sum].map(|word| sum(word, of.clone())));
        assert_eq!(sent, received, "{name}: messages, and their sum");
        let [slept, late] = [Word::Sleeps, Word::Late].map(|word| sum(word, 0..all));
        let longest = (0..all).map(|process| ledger.get(Word::Longest.of(process))).max();
        println!(
            "{name}: {slept} rounds, {} messages, {:.0} s; {late} waits of 30 ms or longer, the longest {:.1} ms",
            sent[0],
            begun.elapsed().as_secs_f64(),
            longest.unwrap_or(0) as f64 / 1e3
        );
        // A busy system is late now and then; a wake-up that is lost costs the patience each time.
        assert!(late <= 10 + slept / 1000, "{name}: {late} of {slept} were late");
    }
}
