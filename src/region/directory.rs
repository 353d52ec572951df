//! Where a name leads, and the directory in which bare names live.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::user;
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

/// Makes the directory of bare names, if `path` lies there; else leaves it to the user.
pub(super) fn prepare(path: &Path) -> Result<(), Error> {
    let dir = default_directory();
    if path.parent() != Some(&dir) {
        return Ok(());
    }
    match fs::DirBuilder::new().mode(0o700).create(&dir) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            return Err(Error::io(format!("making the directory {}", dir.display()), e));
        }
        _ => {}
    }
    check(&dir)
}

/// Checks the directory of bare names, if `path` lies there and it exists.
pub(super) fn check_for(path: &Path) -> Result<(), Error> {
    let dir = default_directory();
    if path.parent() != Some(&dir) {
        return Ok(());
    }
    match check(&dir) {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Whether nobody else can put files into `dir`, or take them out.
fn check(dir: &Path) -> Result<(), Error> {
    let found =
        fs::symlink_metadata(dir).map_err(|e| Error::io(format!("looking at {}", dir.display()), e))?;
    let unsafe_because = |reason: String| Err(Error::UnsafeDirectory { path: dir.to_owned(), reason });
    if !found.is_dir() {
        return unsafe_because("it is not a directory (a symbolic link is not followed)".into());
    }
    if !user::is_own(found.uid()) {
        return unsafe_because(format!(
            "it belongs to user {}, not to you ({})",
            found.uid(),
            user::effective()
        ));
    }
    if found.mode() & 0o077 != 0 {
        return unsafe_because(format!(
            "its mode is {:o}, not 700: others may reach it",
            found.mode() & 0o777
        ));
    }
    Ok(())
}
