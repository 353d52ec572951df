//! The rings that are soaked, and how they are used.

use std::{fmt, path::Path, str::FromStr};

use ironring::{Delivery, Options, mpmc::Ring};

use crate::{
    layout::exchange::{AT_DISPLACED, AT_DROPPED, Size},
    raw::Raw,
};

/// What may happen to a message, and so what the account has to allow for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// What a consumer held when it died comes again.
    AtLeastOnce,
    /// What a consumer held when it died is dropped, and counted.
    AtMostOnce,
    /// At least once, and producers displace what is oldest, which is counted.
    Displacing,
    /// At least once, and consumers take copies, which are released before they are seen.
    Copying,
}

impl Setting {
    pub(crate) const ALL: [Self; 4] = [Self::AtLeastOnce, Self::AtMostOnce, Self::Displacing, Self::Copying];

    pub(crate) fn delivery(self) -> Delivery {
        match self {
            Self::AtMostOnce => Delivery::AtMostOnce,
            _ => Delivery::AtLeastOnce,
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtLeastOnce => "at-least-once",
            Self::AtMostOnce => "at-most-once",
            Self::Displacing => "displacing",
            Self::Copying => "copying",
        })
    }
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let setting = Self::ALL.into_iter().find(|setting| setting.to_string() == name);
        setting.ok_or_else(|| format!("no setting {name}"))
    }
}

/// Slots that the ring holds: few, so that it is often full, and goes round often.
const CAPACITY: u64 = 32;
/// Eight processes, the record that each of four consumers may have adopted, and one that
/// each may be repairing.
const PARTICIPANTS: u32 = 16;
pub(crate) const HOLDING: u32 = 3;

/// One ring, in its file.
pub(crate) struct Soaked {
    pub(crate) setting: Setting,
    pub(crate) ring: Ring<[u8]>,
    raw: Raw,
    /// Where the last round ended: the position of the message that nobody was killed for.
    pub(crate) end: Option<u64>,
}

impl Soaked {
    pub(crate) fn new(dir: &Path, setting: Setting) -> Self {
        let path = dir.join(setting.to_string());
        let options = Options::messages(CAPACITY)
            .max_message(crate::message::LONGEST)
            .batch(crate::producer::BATCH as u32)
            .participants(PARTICIPANTS)
            .holding(HOLDING)
            .delivery(setting.delivery());
        let ring = Ring::create(&path, &options).expect("a ring");
        Self { setting, ring, raw: Raw::open(&path), end: None }
    }

    /// Has the ring checked from outside.
    pub(crate) fn check(&self, when: &str) {
        let path = self.ring.path().expect("it is in a file");
        let report = ironring::fsck::check(path).expect("a ring");
        assert!(report.is_whole(), "{}, {when}: {report}", self.setting);
    }

    /// How many messages the ring says were displaced, and how many dropped.
    pub(crate) fn counted(&self) -> [u64; 2] {
        let size = Size {
            capacity: CAPACITY as usize,
            participants: PARTICIPANTS as usize,
            holding: HOLDING as usize,
        };
        [AT_DISPLACED, AT_DROPPED].map(|at| {
            let counts = (0..size.participants).map(|number| size.record(number) + at);
            counts.map(|at| self.raw.word(at).load(std::sync::atomic::Ordering::Acquire)).sum()
        })
    }
}
