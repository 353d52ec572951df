//! The way to a ring's directory: walked step by step, so that each directory on it is looked at by
//! the descriptor from which the next step is taken.
//!
//! Nobody can slip another directory in between a look and a step. What nobody else could rename when
//! it was looked at, nobody else can rename afterwards either, unless the owner lets somebody in: so
//! paths that were walked once lead to the same place later.

use std::{
    ffi::{CString, OsStr, OsString},
    fs::{File, Metadata, OpenOptions},
    io,
    os::{
        fd::{AsRawFd, FromRawFd},
        unix::{
            ffi::{OsStrExt, OsStringExt},
            fs::{MetadataExt, OpenOptionsExt},
        },
    },
    path::{Component, Path, PathBuf},
};

use super::{Allowed, user};
use crate::{error::Error, memory};

/// Whoever owns one of these has all of the machine, or of the sandbox: the system's programs and
/// devices are found by them. In a user namespace their owner, root, may have no number.
const OF_THE_SYSTEM: [&str; 3] = ["/", "/dev", "/dev/shm"];

/// As many links as the kernel follows.
const MOST_LINKS: u32 = 40;
/// The kernel's longest path.
const LONGEST_LINK: usize = 4096;

/// Opens the directory `dir`, if on the way to it nobody but this user, root and those who are
/// allowed can rename or remove anything: the ring in it cannot be another one's doing.
///
/// A relative path leads from where the process is, however that is called.
pub(super) fn open(dir: &Path, allowed: Allowed) -> Result<File, Error> {
    if allowed.is_any_directory() {
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(dir);
        return opened.map_err(|e| Error::io(format!("looking at {}", dir.display()), e));
    }
    let mut way = Way::from(if dir.is_absolute() { Path::new("/") } else { Path::new(".") }, allowed)?;
    way.add(dir);
    way.walk().map_err(|error| match error {
        Error::Io { doing, source } => Error::io(format!("{doing}, on the way to {}", dir.display()), source),
        error => error,
    })
}

struct Way {
    here: File,
    /// What `here` is called, all links resolved.
    shown: PathBuf,
    /// The steps that are left, the next one last.
    ahead: Vec<OsString>,
    links: u32,
    allowed: Allowed,
}

impl Way {
    fn from(start: &Path, allowed: Allowed) -> Result<Self, Error> {
        let here = OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY).open(start);
        let here = here.map_err(|e| Error::io(format!("looking at {}", start.display()), e))?;
        let way = Self { here, shown: start.to_owned(), ahead: Vec::new(), links: 0, allowed };
        way.check(&way.here.metadata().map_err(|e| way.looking(e))?)?;
        Ok(way)
    }

    /// Puts the steps of `path` before those that are left.
    fn add(&mut self, path: &Path) {
        self.ahead.extend(path.components().rev().filter_map(|step| match step {
            Component::Normal(_) | Component::ParentDir => Some(step.as_os_str().to_owned()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        }));
    }

    fn walk(mut self) -> Result<File, Error> {
        while let Some(step) = self.ahead.pop() {
            self.step(&step)?;
        }
        Ok(self.here)
    }

    fn step(&mut self, step: &OsStr) -> Result<(), Error> {
        let from = self.shown.clone();
        if step == ".." && self.shown.is_absolute() {
            self.shown.pop();
        } else {
            self.shown.push(step);
        }
        let mut next =
            open_at(&self.here, step, libc::O_PATH | libc::O_NOFOLLOW).map_err(|e| self.looking(e))?;
        let mut found = next.metadata().map_err(|e| self.looking(e))?;
        if found.is_symlink() {
            if !memory::is_proc(&self.here).map_err(|e| self.looking(e))? {
                self.check_link(found.uid())?;
                self.shown = from;
                return self.follow(&next);
            }
            // It leads where its text does not, as /proc/PID/root does: to what the kernel says.
            next = open_at(&self.here, step, libc::O_PATH).map_err(|e| self.looking(e))?;
            found = next.metadata().map_err(|e| self.looking(e))?;
        }
        if !found.is_dir() {
            return Err(self.looking(io::Error::from_raw_os_error(libc::ENOTDIR)));
        }
        self.check(&found)?;
        self.here = next;
        Ok(())
    }

    /// Goes on with what the text of `link` says.
    fn follow(&mut self, link: &File) -> Result<(), Error> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(self.looking(io::Error::from_raw_os_error(libc::ELOOP)));
        }
        let to = PathBuf::from(read_link(link).map_err(|e| self.looking(e))?);
        if to.is_absolute() {
            let start = Self::from(Path::new("/"), self.allowed)?;
            (self.here, self.shown) = (start.here, start.shown);
        }
        self.add(&to);
        Ok(())
    }

    /// Checks the directory that is shown, of which `found` is known.
    fn check(&self, found: &Metadata) -> Result<(), Error> {
        let (owner, mode) = (found.uid(), found.mode() & 0o7777);
        let is_the_systems = OF_THE_SYSTEM.iter().any(|path| self.shown.as_os_str() == *path);
        if !is_the_systems && !self.allowed.is_trusted(owner) {
            return Err(self.refused(format!(
                "it belongs to user {owner}, who can rename and remove what lies in it, and is neither you ({}) nor \
                 root; {} trusts that user",
                user::effective(),
                user::how_to_ask(owner)
            )));
        }
        if mode & 0o022 != 0 && mode & libc::S_ISVTX == 0 {
            return Err(self.refused(format!(
                "its mode is {mode:o}, so others can rename and remove what lies in it; `chmod go-w` or `chmod +t` \
                 keeps them from it"
            )));
        }
        Ok(())
    }

    fn check_link(&self, owner: u32) -> Result<(), Error> {
        if self.allowed.is_trusted(owner) {
            return Ok(());
        }
        Err(self.refused(format!(
            "it is a symbolic link of user {owner}'s, who can have it lead anywhere, and is neither you ({}) nor root; \
             {} trusts that user",
            user::effective(),
            user::how_to_ask(owner)
        )))
    }

    fn refused(&self, reason: String) -> Error {
        Error::UnsafeDirectory { path: self.shown.clone(), reason }
    }

    fn looking(&self, e: io::Error) -> Error {
        Error::io(format!("looking at {}", self.shown.display()), e)
    }
}

/// Opens `name` in `dir`, closed on `exec`.
pub(super) fn open_at(dir: &File, name: &OsStr, flags: libc::c_int) -> io::Result<File> {
    let name = CString::new(name.as_bytes())?;
    // SAFETY: the descriptor is open, and the name is a string that ends and lives during the call.
    let fd = unsafe { libc::openat(dir.as_raw_fd(), name.as_ptr(), flags | libc::O_CLOEXEC) };
    if fd == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new, and nobody else has it.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// The text of the symbolic link that `link` is open on.
fn read_link(link: &File) -> io::Result<OsString> {
    let mut text = vec![0_u8; LONGEST_LINK];
    let to = text.as_mut_ptr().cast();
    // SAFETY: the descriptor is open, the empty name is a string, and the call writes at most as many
    // bytes as there are.
    let len = unsafe { libc::readlinkat(link.as_raw_fd(), c"".as_ptr(), to, text.len()) };
    let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;
    text.truncate(len);
    Ok(OsString::from_vec(text))
}
