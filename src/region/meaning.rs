//! What a ring's name stands for.

use std::{
    fs::File,
    os::fd::{FromRawFd, OwnedFd},
    path::{Path, PathBuf},
};

use super::{Allowed, Plan, RegionFile, memfd, named, path_of, segment};
use crate::{error::Error, share};

/// What a name stands for. A name that contains a slash, but behind `unix:`, is always a path.
#[derive(Debug)]
pub(super) enum Meaning {
    /// A file.
    File(PathBuf),
    /// `sysv:KEY` and `sysv-id:ID`.
    Segment(segment::Which, PathBuf),
    /// `fd:N`: a descriptor that this process has inherited.
    Descriptor(libc::c_int),
    /// `unix:PATH`: whatever the server there gives away.
    Socket(PathBuf),
}

impl Meaning {
    pub(super) fn of(name: &Path) -> Result<Self, Error> {
        if let Some(path) = name.to_str().and_then(|text| text.strip_prefix("unix:")) {
            return Ok(Self::Socket(path.into()));
        }
        if let Some(rest) = name.to_str().and_then(|text| text.strip_prefix("shm:")) {
            return shm(rest).map(Self::File);
        }
        let text = name.to_str().filter(|text| !text.contains('/')).unwrap_or_default();
        let Some((kind, rest)) = text.split_once(':') else { return path_of(name).map(Self::File) };
        let wrong = |expected: &str| Error::Options {
            option: "the name",
            found: format!("{text:?}"),
            expected: expected.into(),
        };
        match kind {
            "sysv" => number(rest)
                .map(|key| Self::Segment(segment::Which::Key(key), name.to_owned()))
                .ok_or_else(|| wrong("sysv:KEY, a number of 32 bits, such as sysv:0x1234")),
            "sysv-id" => number(rest)
                .filter(|id| *id >= 0)
                .map(|id| Self::Segment(segment::Which::Id(id), name.to_owned()))
                .ok_or_else(|| wrong("sysv-id:ID, a number that `ipcs -m` shows as shmid")),
            "fd" => number(rest)
                .filter(|fd| *fd >= 0)
                .map(Self::Descriptor)
                .ok_or_else(|| wrong("fd:N, the number of a descriptor")),
            _ => path_of(name).map(Self::File),
        }
    }

    /// Opens what is locked, and knows where the bytes are. Whoever has a descriptor, or was let in
    /// by a server, has the ring: only where there is a path does it matter whose it is.
    pub(super) fn open(&self, allowed: Allowed, write: bool) -> Result<RegionFile, Error> {
        match self {
            Self::File(path) => RegionFile::open(path, allowed, write),
            Self::Segment(which, name) => segment::open(*which, name, allowed, write),
            Self::Descriptor(fd) => memfd::open(duplicate(*fd)?),
            Self::Socket(path) => memfd::open(share::fetch(path)?),
        }
    }

    /// Makes a region of that name.
    pub(super) fn create(&self, allowed: Allowed, plan: &Plan) -> Result<RegionFile, Error> {
        match self {
            Self::File(path) => named::create_file(path, allowed, plan),
            Self::Segment(which, name) => segment::create(*which, name, plan),
            Self::Descriptor(_) | Self::Socket(_) => Err(Error::Options {
                option: "the name",
                found: "of a ring that another process has made".into(),
                expected: "another kind of name for a new ring: fd: and unix: are for getting one".into(),
            }),
        }
    }
}

/// The file behind a name of `shm_open`: with or without its slash, and without any other.
fn shm(name: &str) -> Result<PathBuf, Error> {
    let bare = name.strip_prefix('/').unwrap_or(name);
    if bare.is_empty() || bare.starts_with('.') || bare.len() > 255 || bare.contains(['/', '\0']) {
        return Err(Error::Options {
            option: "the name",
            found: format!("{name:?}"),
            expected: "shm:NAME, without a slash or shm:/NAME, as for `shm_open`".into(),
        });
    }
    Ok(Path::new("/dev/shm").join(bare))
}

/// In decimal, or in hexadecimal as `ipcs` shows keys; also those beyond 2^31, which C has negative.
fn number(text: &str) -> Option<i32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok().map(u32::cast_signed),
        None => text.parse::<i32>().ok().or_else(|| text.parse::<u32>().ok().map(u32::cast_signed)),
    }
}

/// A descriptor of this process's own for the one that has the number `fd`, whosever that is.
fn duplicate(fd: libc::c_int) -> Result<OwnedFd, Error> {
    // SAFETY: takes integers; where `fd` is no descriptor, it says so.
    let own = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) };
    if own == -1 {
        return Err(Error::os(format!("taking descriptor {fd} over, which should have been inherited")));
    }
    // SAFETY: the descriptor is new, and nobody else has it.
    Ok(OwnedFd::from(unsafe { File::from_raw_fd(own) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let of = |name: &str| Meaning::of(Path::new(name));
        assert!(matches!(of("./sysv:1"), Ok(Meaning::File(_))));
        assert!(matches!(of("orders:eu"), Ok(Meaning::File(_))), "other prefixes are part of a bare name");
        assert!(matches!(of("sysv:0xffffffff"), Ok(Meaning::Segment(segment::Which::Key(-1), _))));
        assert!(matches!(of("sysv:4294967295"), Ok(Meaning::Segment(segment::Which::Key(-1), _))));
        assert!(matches!(of("sysv:-7"), Ok(Meaning::Segment(segment::Which::Key(-7), _))));
        assert!(matches!(of("sysv-id:7"), Ok(Meaning::Segment(segment::Which::Id(7), _))));
        assert!(matches!(of("fd:3"), Ok(Meaning::Descriptor(3))));
        assert!(matches!(of("unix:/run/s"), Ok(Meaning::Socket(path)) if path == Path::new("/run/s")));
        for name in ["shm:/ring", "shm:ring"] {
            assert!(
                matches!(of(name), Ok(Meaning::File(path)) if path == Path::new("/dev/shm/ring")),
                "{name}"
            );
        }
        for wrong in [
            "sysv:",
            "sysv:x",
            "sysv:4294967296",
            "sysv-id:-1",
            "fd:",
            "fd:-1",
            "shm:",
            "shm:/",
            "shm:a/b",
            "shm:..",
        ] {
            assert!(matches!(of(wrong), Err(Error::Options { .. })), "{wrong}");
        }
    }
}
