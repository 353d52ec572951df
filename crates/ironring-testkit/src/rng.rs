//! Random numbers that a failed test can repeat.

use std::ops::{Deref, DerefMut};
use std::time::{SystemTime, UNIX_EPOCH};

pub use fastrand;

/// The seed of this run: the environment variable `SEED` if it is set, else the time.
///
/// ```
/// let seed = ironring_testkit::rng::seed();
/// let mut rng = ironring_testkit::rng::fastrand::Rng::with_seed(seed);
/// assert!(rng.u64(..10) < 10);
/// ```
///
/// # Panics
///
/// If `SEED` is not a decimal number below 2^64.
pub fn seed() -> u64 {
    match std::env::var("SEED") {
        Ok(seed) => seed.parse().unwrap_or_else(|error| panic!("SEED={seed}: {error}")),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_micros() as u64),
    }
}

/// A [`fastrand::Rng`] that prints its seed when the test that owns it panics.
///
/// ```
/// use ironring_testkit::rng::Seeded;
///
/// let mut rng = Seeded::new();
/// let mut again = Seeded::with_seed(rng.seed());
/// assert_eq!(rng.u64(..), again.u64(..));
/// ```
#[derive(Debug)]
pub struct Seeded {
    rng: fastrand::Rng,
    seed: u64,
}

impl Seeded {
    /// Begins with [`seed`].
    ///
    /// ```
    /// let below_ten = ironring_testkit::rng::Seeded::new().u64(..10);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`seed`] does.
    #[allow(clippy::new_without_default, reason = "each call gives another generator")]
    pub fn new() -> Seeded {
        Seeded::with_seed(seed())
    }

    /// Begins with `seed`.
    ///
    /// ```
    /// use ironring_testkit::rng::Seeded;
    /// assert_eq!(Seeded::with_seed(1).u8(..), Seeded::with_seed(1).u8(..));
    /// ```
    pub fn with_seed(seed: u64) -> Seeded {
        Seeded { rng: fastrand::Rng::with_seed(seed), seed }
    }

    /// What it began with: to hand to a child, say.
    ///
    /// ```
    /// assert_eq!(ironring_testkit::rng::Seeded::with_seed(7).seed(), 7);
    /// ```
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

impl Deref for Seeded {
    type Target = fastrand::Rng;

    fn deref(&self) -> &fastrand::Rng {
        &self.rng
    }
}

impl DerefMut for Seeded {
    fn deref_mut(&mut self) -> &mut fastrand::Rng {
        &mut self.rng
    }
}

impl Drop for Seeded {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to repeat: SEED={}", self.seed);
        }
    }
}
