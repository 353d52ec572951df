//! The file behind a region.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Allowed, Image, directory::Directory, source::Source};
use crate::{
    error::Error,
    header::{Identity, LockFile},
    layout::HEADER_LEN,
    memory::{self, Mapping},
};

/// The open file of a region: to map it, to open it anew, and to ask for locks. Its
/// own description never holds a participant's lock.
#[derive(Debug)]
pub(crate) struct RegionFile {
    file: File,
    path: Option<PathBuf>,
    inode: Inode,
    /// The region's, wherever its bytes are.
    len: u64,
    source: Source,
}

/// Which file a descriptor refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inode {
    device: u64,
    number: u64,
}

impl Inode {
    pub(super) fn of(found: &std::fs::Metadata) -> Self {
        Self { device: found.dev(), number: found.ino() }
    }
}

impl RegionFile {
    /// Takes `file`, if it is one that can hold a region.
    pub(super) fn new(file: File, path: Option<PathBuf>) -> Result<Self, Error> {
        Self::checked_by(file, path, |_| Ok(()))
    }

    /// The same, if `check` finds nothing wrong with what the kernel says of it.
    fn checked_by(
        file: File,
        path: Option<PathBuf>,
        check: impl FnOnce(&Metadata) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let found = file.metadata().map_err(|e| Error::io("looking at the region's file", e))?;
        memory::check_file_system(&file)?;
        if !found.is_file() {
            return Err(Error::Invalid {
                field: "the file's type",
                found: "not a regular file".into(),
                expected: "a regular file, or a memfd".into(),
            });
        }
        check(&found)?;
        Ok(Self { file, path, inode: Inode::of(&found), len: found.len(), source: Source::File })
    }

    /// Opens the file at `path`: symbolic links are not followed, nothing is waited for. Where others
    /// may have put it there, or it is somebody else's, that must be allowed.
    pub(super) fn open(path: &Path, allowed: Allowed, write: bool) -> Result<Self, Error> {
        let not_found = || Error::NotFound { path: path.to_owned() };
        let directory = Directory::of(path, allowed).map_err(|error| match error {
            Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => not_found(),
            error => error,
        })?;
        let file = directory.open_file(write).map_err(|e| match e.raw_os_error() {
            Some(libc::ENOENT) => not_found(),
            Some(libc::ELOOP) => Error::Invalid {
                field: "the file's type",
                found: format!("a symbolic link at {}", path.display()),
                expected: "the ring itself: links are not followed".into(),
            },
            _ => Error::io(format!("opening {}", path.display()), e),
        })?;
        Self::checked_by(file, Some(path.to_owned()), |found| allowed.check(path, found))
    }

    /// The same file, locked for a region of `len` bytes that lie elsewhere.
    pub(super) const fn of_other(mut self, source: Source, len: u64) -> Self {
        self.source = source;
        self.len = len;
        self
    }

    /// The file, if whoever gets its descriptor gets the region's bytes.
    pub(crate) fn to_pass_on(&self) -> Result<&File, Error> {
        match self.source {
            Source::File => Ok(&self.file),
            Source::Segment(_) | Source::Callers(_) => Err(Error::Unsupported {
                found: "a ring whose memory is no file".into(),
                needed: "a file or a memfd, to pass its descriptor on",
            }),
        }
    }

    pub(super) const fn source(&self) -> Source {
        self.source
    }

    /// What the header says of the file that is locked.
    pub(crate) const fn lock_file(&self) -> LockFile {
        match self.source {
            Source::File => LockFile { device: 0, inode: 0 },
            _ => self.as_lock_file(),
        }
    }

    /// The same, of a file that is to be the companion of a region.
    pub(super) const fn as_lock_file(&self) -> LockFile {
        LockFile { device: self.inode.device, inode: self.inode.number }
    }

    /// Reads and checks what the header in `mapping`, which is one of this, says.
    pub(super) fn identity(&self, mapping: &Arc<Mapping>) -> Result<Identity, Error> {
        Identity::read(mapping, self.len, self.lock_file(), self.outlives_boot()?)
    }

    /// Whether its bytes may be from before the machine was restarted.
    pub(super) fn outlives_boot(&self) -> Result<bool, Error> {
        match self.source {
            Source::File => outlives_boot(&self.file),
            Source::Segment(_) => Ok(false),
            // Who has mapped it may have mapped a file on disk.
            Source::Callers(_) => Ok(true),
        }
    }

    /// Maps the first `len` bytes of the region at least.
    pub(crate) fn map(&self, len: usize) -> Result<Arc<Mapping>, Error> {
        self.source.map(&self.file, len)
    }

    /// Maps the region for reading only.
    pub(crate) fn map_read_only(&self) -> Result<Arc<Mapping>, Error> {
        self.source.map_read_only(&self.file, self.mappable_len()?)
    }

    /// Maps it for a participant: see [`Source::map_own`].
    pub(crate) fn map_own(&self, own: &File, len: usize, image: Image) -> Result<Arc<Mapping>, Error> {
        self.source.map_own(own, len, image)
    }

    /// The mode of the file at its path now; none where it has no path.
    pub(crate) fn mode(&self) -> Result<Option<u32>, Error> {
        if self.path.is_none() {
            return Ok(None);
        }
        let found =
            self.file.metadata().map_err(|e| Error::io("asking for the mode of the ring's file", e))?;
        Ok(Some(found.mode() & 0o777))
    }

    pub(crate) fn as_file(&self) -> &File {
        &self.file
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(super) const fn inode(&self) -> Inode {
        self.inode
    }

    /// Its length when it was opened, in bytes.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Its length, if that is enough for a header.
    pub(crate) fn mappable_len(&self) -> Result<usize, Error> {
        usize::try_from(self.len).ok().filter(|len| *len >= HEADER_LEN).ok_or_else(|| Error::Invalid {
            field: "the file's length",
            found: self.len.to_string(),
            expected: format!("at least {HEADER_LEN} bytes, a header"),
        })
    }

    /// The file, if its descriptor still refers to it: another part of the program may
    /// have closed it, and the number may be another file's by now.
    pub(crate) fn checked(&self) -> Result<&File, Error> {
        let found = self.file.metadata().map_err(|e| Error::io("looking at the region's descriptor", e))?;
        if Inode::of(&found) != self.inode {
            return Err(Error::io(
                "using the region's descriptor, which was closed and now is another file's",
                io::Error::from_raw_os_error(libc::EBADF),
            ));
        }
        Ok(&self.file)
    }

    /// Has the kernel give notice of the file (`inotify`), and changes nothing that matters.
    pub(crate) fn touch(&self) {
        let Ok(file) = self.checked() else { return };
        let fd = file.as_raw_fd();
        // SAFETY: the descriptor is open; no times means now.
        if unsafe { libc::futimens(fd, std::ptr::null()) } != 0 {
            // For one who has the descriptor by somebody's favour: allocates what is allocated.
            // SAFETY: the descriptor is open.
            unsafe { libc::fallocate(fd, 0, 0, 1) };
        }
    }

    /// Opens the same file once more, with a description of its own.
    pub(crate) fn reopen(&self) -> Result<File, Error> {
        let path = self.path_now()?;
        // One by descriptor is a link.
        let no_links = if Some(&path) == self.path.as_ref() { libc::O_NOFOLLOW } else { 0 };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | no_links)
            .open(&path)
            .map_err(|e| Error::io(format!("opening {} once more", path.display()), e))?;
        let found = file.metadata().map_err(|e| Error::io("looking at the file opened anew", e))?;
        if Inode::of(&found) == self.inode { Ok(file) } else { Err(Error::Retired) }
    }

    /// A path that leads to the file now: by its descriptor, or, where /proc is not there, by its
    /// name, if that was not given to another.
    pub(crate) fn path_now(&self) -> Result<PathBuf, Error> {
        let by_descriptor = PathBuf::from(format!("/proc/self/fd/{}", self.checked()?.as_raw_fd()));
        // What is mounted at /proc may be anything.
        if std::fs::metadata(&by_descriptor).is_ok_and(|found| Inode::of(&found) == self.inode) {
            return Ok(by_descriptor);
        }
        let Some(path) = &self.path else {
            return Err(Error::Unsupported {
                found: format!("no {} (is /proc mounted?)", by_descriptor.display()),
                needed: "it for each participant of a ring without a name, whose file it opens once more: mount \
                         /proc, or give the ring a name",
            });
        };
        match std::fs::symlink_metadata(path) {
            Ok(found) if Inode::of(&found) == self.inode => Ok(path.clone()),
            Ok(_) => Err(Error::Retired),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(Error::Retired),
            Err(e) => Err(Error::io(format!("looking for {} once more", path.display()), e)),
        }
    }
}

/// Whether what lies in `file` may be from before the machine was restarted.
pub(super) fn outlives_boot(file: &File) -> Result<bool, Error> {
    memory::is_memory(file)
        .map(|is_memory| !is_memory)
        .map_err(|e| Error::io("asking what kind of memory the region's file is", e))
}
