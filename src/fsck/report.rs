//! What a check has found.

use std::fmt;

use crate::Kind;

/// Findings that are kept; a ring that is spoilt all over has as many as it has words.
const MAX_FINDINGS: usize = 1000;

/// What [`check`](super::check) has found in a ring.
///
/// Shown, it is a line for each finding, then one for each note.
///
/// ```
/// use ironring::{Options, fsck, mpmc};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("jobs");
/// let ring = mpmc::Ring::<u64>::create(&path, &Options::messages(8))?;
/// ring.producer()?.send(&1)?;
/// let report = fsck::check(&path)?;
/// assert!(report.is_whole(), "{report}");
/// assert!(report.findings().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    kind: Kind,
    findings: Vec<Finding>,
    left_out: usize,
    notes: Vec<String>,
}

/// A word of the region, or several taken together, that no participant which keeps the
/// protocol can have left so, killed or not.
///
/// ```
/// use ironring::{Options, fsck, spsc};
/// use std::{fs::OpenOptions, os::unix::fs::FileExt};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders");
/// spsc::Ring::<u64>::create(&path, &Options::messages(8))?;
/// // A tail that no producer leaves.
/// OpenOptions::new().write(true).open(&path)?.write_all_at(&[0xff; 8], 640)?;
///
/// let report = fsck::check(&path)?;
/// assert!(!report.is_whole());
/// let finding = &report.findings()[0];
/// assert_eq!((finding.word, finding.at), ("tail", fsck::At::Header));
/// assert!(report.to_string().contains("tail is 0xffffffffffffffff, expected"), "{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The word's name in docs/LAYOUT.md.
    pub word: &'static str,
    /// Where it is.
    pub at: At,
    /// What was found.
    pub found: String,
    /// What it may be.
    pub expected: String,
}

/// Where a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum At {
    /// In the header page.
    Header,
    /// The entry of this number.
    Entry(u64),
    /// The record of this participant.
    Participant(u32),
    /// What this participant holds at one of its places.
    Held {
        /// The participant's number.
        participant: u32,
        /// The place's number.
        place: u32,
    },
    /// The slot of this number.
    Slot(u64),
    /// The position in the ring's life: bytes in an SPSC ring of bytes, else messages.
    Position(u64),
}

impl Report {
    pub(super) const fn new(kind: Kind) -> Self {
        Self { kind, findings: Vec::new(), left_out: 0, notes: Vec::new() }
    }

    /// Whether nothing was found that should not be. What a participant left that died, and
    /// that the next one sets right, is as it should be: see [`notes`](Self::notes).
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    /// Which kind of ring it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What is wrong: at most a thousand findings.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many findings there are beyond those.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// What is worth knowing, and is not wrong: participants at work, participants that died
    /// and are not recovered yet, what could not be judged.
    ///
    /// ```
    /// use ironring::{Options, fsck, mpmc};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("jobs");
    /// let ring = mpmc::Ring::<u64>::create(&path, &Options::messages(8))?;
    /// assert!(fsck::check(&path)?.notes().is_empty());
    /// let _producer = ring.producer()?;
    /// assert!(!fsck::check(&path)?.notes().is_empty(), "somebody is at work");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(super) fn find(
        &mut self,
        word: &'static str,
        at: At,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { word, at, found: found.into(), expected: expected.into() });
        } else {
            self.left_out += 1;
        }
    }

    /// Finds fault with `word` unless it `is_right`.
    pub(super) fn require(
        &mut self,
        is_right: bool,
        word: &'static str,
        at: At,
        found: u64,
        expected: impl Into<String>,
    ) {
        if !is_right {
            self.find(word, at, format!("{found:#x}"), expected);
        }
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Takes the findings of `other` too.
    pub(super) fn add(&mut self, other: Self) {
        self.left_out += other.left_out;
        for Finding { word, at, found, expected } in other.findings {
            self.find(word, at, found, expected);
        }
    }

    /// Keeps the findings that `other` has too.
    pub(super) fn keep_those_of(&mut self, other: &Self) {
        self.findings.retain(|finding| other.findings.contains(finding));
        self.left_out = 0;
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("header"),
            Self::Entry(index) => write!(f, "entry {index}"),
            Self::Participant(number) => write!(f, "participant {number}"),
            Self::Held { participant, place } => write!(f, "participant {participant}, place {place}"),
            Self::Slot(slot) => write!(f, "slot {slot}"),
            Self::Position(position) => write!(f, "position {position}"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} is {}, expected {}", self.at, self.word, self.found, self.expected)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        if self.left_out > 0 {
            writeln!(f, "and {} findings more", self.left_out)?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}
