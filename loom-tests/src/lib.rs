//! What the models share: messages told apart by numbers, and how to run a model.
//!
//! Each role has a thread of its own: loom 0.7.3 skips orders of steps where the first
//! thread took part before it spawned the others.
#![cfg(loom)]

pub mod exchange;
mod numbered;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ironring::{Life, Options, spsc::Ring};

pub use numbered::{Numbered, Pair};

/// More preemptions than any of the models has.
pub const UNBOUNDED: usize = 100;

/// Runs `body` in every order of its threads' steps in which they are preempted no more
/// than `preemptions` times in all, and with every value that each load may give.
/// `LOOM_MAX_PREEMPTIONS` overrides the bound.
pub fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    builder.max_branches = 10_000;
    builder.check(body);
}

/// Runs `body` as [`model`] does, with participants that live for so many stores each;
/// tells whether in any order of steps all of them were killed.
pub fn model_lives(
    preemptions: usize,
    lives: &[u32],
    body: impl Fn(Vec<Life>) + Sync + Send + 'static,
) -> bool {
    let all_killed = Arc::new(AtomicBool::new(false));
    let (killed, lives) = (Arc::clone(&all_killed), lives.to_vec());
    model(preemptions, move || {
        let lives = lives.iter().map(|stores| Life::of(*stores)).collect::<Vec<_>>();
        body(lives.clone());
        killed.fetch_or(lives.iter().all(Life::is_over), Ordering::Relaxed);
    });
    all_killed.load(Ordering::Relaxed)
}

/// Lets a participant be killed before each of its stores in turn: `killed_at` runs the
/// models with its life, and tells whether that was too short.
pub fn kill_anywhere(killed_at: impl Fn(&[u32]) -> bool) {
    let kills = (0..).take_while(|stores| killed_at(&[*stores])).count();
    assert!(kills > 1, "it was killed {kills} times");
}

/// Lets a participant be killed before each of its stores in turn, and for each of those
/// its successor before each of its own.
pub fn kill_two_anywhere(killed_at: impl Fn(&[u32]) -> bool) {
    let kills_of_second = |first| (0..).take_while(|second| killed_at(&[first, *second])).count();
    let firsts = (0..).take_while(|first| killed_at(&[*first]));
    let kills = firsts.filter(|first| kills_of_second(*first) > 0).count();
    assert!(kills > 1, "the first was killed {kills} times so that the second was too");
}

/// The smallest byte ring: eight words. A frame takes two of them, or four where its
/// message has two or three words.
pub const EIGHT_WORDS: Options = Options::bytes(64);

/// A ring as `options` say, through which messages of so many words have passed one by
/// one, numbered from 0, and in which others wait; also the number of the next.
pub fn begin<M: Numbered + ?Sized>(options: Options, passed: &[usize], waiting: &[usize]) -> (Ring<M>, u32) {
    let (passed, waiting) = (passed.to_vec(), waiting.to_vec());
    let begun = loom::thread::spawn(move || {
        let ring = Ring::anonymous(&options).expect("options that describe a ring");
        let mut producer = ring.producer(&Life::endless()).unwrap();
        let mut consumer = ring.consumer(&Life::endless()).unwrap();
        for (n, words) in (0..).zip(&passed) {
            M::send(&mut producer, n, *words);
            consumer.try_recv().unwrap().release();
        }
        for (n, words) in (passed.len() as u32..).zip(&waiting) {
            M::send(&mut producer, n, *words);
        }
        (ring, (passed.len() + waiting.len()) as u32)
    });
    begun.join().unwrap()
}
