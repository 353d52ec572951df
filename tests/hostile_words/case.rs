//! One word set to one wrong value while the others work.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use ironring_testkit::{Child, Ledger, Role, rng::fastrand::Rng};

use crate::{
    ends::Ends,
    states::Subject,
    worker::{LAST, OVER, ROUND, WORKS, Work, done, left, pause, told},
};

/// A class of values; each but the first is wrong, in a word that has a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// What it is: nothing may be told of.
    Right,
    Zero,
    Ones,
    OneMore,
    OneLess,
    /// One more in the upper half, which may be a word of its own.
    OneMoreAbove,
    AnotherLap,
    AnotherIndex,
    Random,
}

pub(crate) const CLASSES: [Class; 9] = [
    Class::Right,
    Class::Zero,
    Class::Ones,
    Class::OneMore,
    Class::OneLess,
    Class::OneMoreAbove,
    Class::AnotherLap,
    Class::AnotherIndex,
    Class::Random,
];

impl Class {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Right => "(as it is)",
            Self::Zero => "zero",
            Self::Ones => "all ones",
            Self::OneMore => "one more",
            Self::OneLess => "one less",
            Self::OneMoreAbove => "one more above bit 32",
            Self::AnotherLap => "another lap",
            Self::AnotherIndex => "another index",
            Self::Random => "random",
        }
    }

    fn of(self, now: u64, [lap, index]: [u64; 2], rng: &mut Rng) -> u64 {
        match self {
            Self::Right => now,
            Self::Zero => 0,
            Self::Ones => u64::MAX,
            Self::OneMore => now.wrapping_add(1),
            Self::OneLess => now.wrapping_sub(1),
            Self::OneMoreAbove => now.wrapping_add(1 << 32),
            Self::AnotherLap => now.wrapping_add(lap),
            Self::AnotherIndex => now.wrapping_add(index),
            Self::Random => rng.u64(..),
        }
    }
}

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Some process got an error.
    Told,
    NoEffect,
}

/// Operations of each process before the word is set, and behind that. One that looks on does
/// much in one.
const BEFORE: u64 = 3;
const BEHIND: u64 = 12;
const BEHIND_LOOKING: u64 = 2;
/// Far longer than any operation takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// The processes that work on a ring.
pub(crate) struct Crew<'a, E: Ends> {
    name: &'a str,
    subject: &'a Subject<E>,
    ledger: Ledger,
    works: &'a [Work],
    children: Vec<Child>,
    round: u64,
}

impl<'a, E: Ends> Crew<'a, E> {
    pub(crate) fn new(name: &'a str, subject: &'a Subject<E>, works: &'a [Work]) -> Self {
        let ledger = Ledger::new(2 + 3 * works.len()).expect("a ledger");
        subject.restore(0);
        let child = |(process, work): (usize, &Work)| {
            let work = WORKS.iter().position(|one| one == work).expect("one of all");
            let role = Role::new(name).ledger(&ledger).arg(process).arg(work);
            role.arg(subject.path().display()).spawn().expect("a process")
        };
        let children = works.iter().enumerate().map(child).collect();
        Self { name, subject, ledger, works, children, round: 0 }
    }

    /// Sets the word at `at` to a value of `class`.
    pub(crate) fn case(&mut self, at: usize, class: Class, another: [u64; 2], rng: &mut Rng) -> Outcome {
        self.subject.restore(0);
        self.round += 1;
        let about = |what: &str| format!("{what} of word {at} set to {}", class.name());
        let told_before = self.sum(told);
        self.ledger.set(ROUND, self.round);
        self.wait(&about("before the setting"), |work| if work == Work::Look { 1 } else { BEFORE });
        for _ in 0..rng.u32(..3000) {
            std::hint::spin_loop();
        }
        let honest = self.sum(told) - told_before;
        assert_eq!(honest, 0, "{}: an error while all is well", self.name);
        let word = self.subject.raw.word(at);
        let now = word.load(Relaxed);
        // Set to what it is, it might be set back in time.
        if class != Class::Right {
            word.store(class.of(now, another, rng), Relaxed);
        }
        let behind = |work| if work == Work::Look { BEHIND_LOOKING } else { BEHIND };
        self.wait(&about("behind the setting"), behind);
        self.ledger.set(OVER, self.round);
        self.until(&about("at the end"), |crew| {
            (0..crew.children.len()).all(|process| crew.ledger.get(left(process)) == crew.round)
        });
        assert!(
            self.subject.raw.behind().iter().all(|byte| *byte == 0),
            "{}",
            about("written behind the region")
        );
        let was_told = self.sum(told) > told_before;
        assert!(class != Class::Right || !was_told, "{}: an error where nothing was wrong", self.name);
        if was_told { Outcome::Told } else { Outcome::NoEffect }
    }

    /// Lets all end, in order.
    pub(crate) fn dismiss(mut self) {
        self.ledger.set(ROUND, LAST);
        for child in &mut self.children {
            let exit = child.wait();
            assert!(exit.success(), "{}: a process ended with {exit}", self.name);
        }
    }

    fn sum(&self, word: fn(usize) -> usize) -> u64 {
        (0..self.children.len()).map(|process| self.ledger.get(word(process))).sum()
    }

    /// Waits until each process has done so many operations more as is said of its work.
    fn wait(&mut self, about: &str, more: impl Fn(Work) -> u64) {
        let works = self.works.iter().enumerate();
        let goals: Vec<_> =
            works.map(|(process, work)| self.ledger.get(done(process)) + more(*work)).collect();
        self.until(about, |crew| {
            goals.iter().enumerate().all(|(process, goal)| crew.ledger.get(done(process)) >= *goal)
        });
    }

    fn until(&mut self, about: &str, is_done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        let mut looks = 0;
        while !is_done(self) {
            pause(&mut looks);
            if !looks.is_multiple_of(1024) {
                continue;
            }
            for child in &mut self.children {
                if let Some(exit) = child.wait_timeout(Duration::ZERO) {
                    panic!("{}: a process ended with {exit}, {about}", self.name);
                }
            }
            assert!(start.elapsed() < PATIENCE, "{}: a process hangs, {about}", self.name);
        }
    }
}
