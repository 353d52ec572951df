//! Where a name leads, the directory in which bare names live, and those of rings in general.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::{Allowed, user, way};
use crate::error::Error;

/// The variable that names another directory for bare names.
const DIRECTORY_VARIABLE: &str = "IRONRING_DIR";

/// The directory in which bare names live: `$IRONRING_DIR` where that is set, else
/// `/dev/shm/ironring-UID`, of the user's own and in memory.
///
/// ```
/// assert!(ironring::default_directory().is_absolute());
/// ```
pub fn default_directory() -> PathBuf {
    match std::env::var_os(DIRECTORY_VARIABLE) {
        Some(dir) if !dir.is_empty() => PathBuf::from(dir),
        _ => PathBuf::from(format!("/dev/shm/ironring-{}", user::effective())),
    }
}

/// The path that `name` stands for: itself if it has a slash, else a file in the
/// [`default_directory`].
///
/// # Errors
///
/// [`Error::Options`] if it is no name of a file, or a bare name that starts with a dot.
///
/// ```
/// use std::path::Path;
///
/// assert_eq!(ironring::path_of("./orders".as_ref())?, Path::new("./orders"));
/// assert!(ironring::path_of("orders".as_ref())?.ends_with("orders"));
/// assert!(ironring::path_of("..".as_ref()).is_err());
/// # Ok::<(), ironring::Error>(())
/// ```
pub fn path_of(name: &Path) -> Result<PathBuf, Error> {
    let bytes = name.as_os_str().as_encoded_bytes();
    let wrong = |expected: &str| {
        Err(Error::Options {
            option: "the name",
            found: format!("{:?}", name.display().to_string()),
            expected: expected.into(),
        })
    };
    if bytes.is_empty() || bytes.ends_with(b"/") || bytes.contains(&0) {
        return wrong("a file's name, or a path to one");
    }
    if bytes.contains(&b'/') {
        return if name.file_name().is_some() { Ok(name.to_owned()) } else { wrong("a path to a file") };
    }
    if bytes.starts_with(b".") {
        return wrong("a bare name may not start with a dot; write ./NAME for a file here");
    }
    if bytes.len() > 200 {
        return wrong("at most 200 bytes long");
    }
    Ok(default_directory().join(name))
}

/// The bare names of the rings in the [`default_directory`], sorted; files that are no
/// rings among them. None where there is no such directory.
///
/// # Errors
///
/// [`Error::Io`] if the directory cannot be read.
///
/// ```
/// for name in ironring::names()? {
///     println!("{}", name.display());
/// }
/// # Ok::<(), ironring::Error>(())
/// ```
pub fn names() -> Result<Vec<PathBuf>, Error> {
    let dir = default_directory();
    let reading = |e| Error::io(format!("listing {}", dir.display()), e);
    let entries = match fs::read_dir(&dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(reading)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = PathBuf::from(entry.map_err(reading)?.file_name());
        if !name.as_os_str().as_encoded_bytes().starts_with(b".") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The directory in which a ring lies, or is to lie, and the ring's name there.
#[derive(Debug)]
pub(super) struct Directory<'a> {
    file: File,
    name: &'a OsStr,
}

impl<'a> Directory<'a> {
    /// That of the file at `path`, where no more people than are allowed can put files into it, or
    /// take them out; that of bare names is to be nobody else's at all.
    pub(super) fn of(path: &'a Path, allowed: Allowed) -> Result<Self, Error> {
        let name = path.file_name().ok_or_else(|| Error::Options {
            option: "the name",
            found: format!("{:?}", path.display().to_string()),
            expected: "a path to a file".into(),
        })?;
        let dir = directory_of(path);
        if dir == default_directory() && !allowed.is_any_directory() {
            check_private(dir, allowed)?;
        }
        Ok(Self { file: way::open(dir, allowed)?, name })
    }

    /// The same for a new ring; that of bare names is made.
    pub(super) fn prepare(path: &'a Path, allowed: Allowed) -> Result<Self, Error> {
        let dir = directory_of(path);
        if dir == default_directory() {
            match fs::DirBuilder::new().mode(0o700).create(dir) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(Error::io(format!("making the directory {}", dir.display()), e));
                }
                _ => {}
            }
        }
        Self::of(path, allowed)
    }

    /// Opens the file: a symbolic link is not followed, nothing is waited for.
    pub(super) fn open_file(&self, write: bool) -> io::Result<File> {
        let access = if write { libc::O_RDWR } else { libc::O_RDONLY };
        way::open_at(&self.file, self.name, access | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
    }
}

/// Whether `dir`, that of bare names, is out of everybody else's reach.
fn check_private(dir: &Path, allowed: Allowed) -> Result<(), Error> {
    let found =
        fs::symlink_metadata(dir).map_err(|e| Error::io(format!("looking at {}", dir.display()), e))?;
    let unsafe_because = |reason: String| Err(Error::UnsafeDirectory { path: dir.to_owned(), reason });
    if !found.is_dir() {
        return unsafe_because("it is not a directory (a symbolic link is not followed)".into());
    }
    if !allowed.has_owner(found.uid()) {
        return unsafe_because(format!(
            "it belongs to user {}, not to you ({})",
            found.uid(),
            user::effective()
        ));
    }
    if found.mode() & 0o077 != 0 {
        return unsafe_because(format!(
            "its mode is {:o}, not 700: others may reach it; `chmod 700` keeps them out",
            found.mode() & 0o777
        ));
    }
    Ok(())
}

/// The directory that `path` is in.
pub(super) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}
