//! A region's file before it has its name.
//!
//! It is written whole while nobody can find it, and then linked to its name, which
//! fails if the name is taken. So no reader ever sees half a ring, and a creator that
//! is killed leaves nothing behind.

use std::{
    ffi::CString,
    fs::{File, OpenOptions, Permissions},
    io,
    os::{
        fd::{AsRawFd, RawFd},
        unix::{
            ffi::OsStrExt,
            fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
        },
    },
    path::{Path, PathBuf},
};

use super::{Contention, Plan, directory::directory_of};
use crate::{error::Error, layout::AT_MAGIC, liveness, memory};

/// A file in the directory of its future name.
pub(super) struct Draft {
    file: File,
    /// Where the file system knows no unnamed files: the name it has meanwhile.
    temporary: Option<PathBuf>,
}

impl Draft {
    /// Makes an empty file for a region at `path`.
    pub(super) fn new(path: &Path) -> Result<Self, Error> {
        let unnamed = OpenOptions::new()
            .read(true)
            .write(true)
            .mode(0o600)
            .custom_flags(libc::O_TMPFILE)
            .open(directory_of(path));
        match unnamed {
            Ok(file) => {
                memory::check_file_system(&file)?;
                Ok(Self { file, temporary: None })
            }
            Err(e) if matches!(e.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL)) => {
                Self::named(path)
            }
            Err(e) => Err(Error::io(format!("making a file in {}", directory_of(path).display()), e)),
        }
    }

    /// Makes the file under a temporary name, locked for as long as its maker lives;
    /// and clears away those whose makers died.
    fn named(path: &Path) -> Result<Self, Error> {
        clear_abandoned(path)?;
        let mut contention = Contention::new();
        loop {
            let temporary = directory_of(path).join(format!(
                "{}{}-{}",
                temporary_prefix(path),
                std::process::id(),
                crate::record::now()
            ));
            let made =
                OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&temporary);
            match made {
                Ok(file) => {
                    let draft = Self { file, temporary: Some(temporary) };
                    memory::check_file_system(&draft.file)?;
                    // Before it was locked, another maker may have taken it for abandoned.
                    if liveness::lock(&draft.file, AT_MAGIC)? && draft.is_linked()? {
                        return Ok(draft);
                    }
                }
                // One in another pid namespace has this one's number, and was as fast.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::io(format!("making {}", temporary.display()), e)),
            }
            contention.pause("making a file for the ring, which others clear away meanwhile")?;
        }
    }

    fn is_linked(&self) -> Result<bool, Error> {
        let found = self.file.metadata().map_err(|e| Error::io("looking at the new ring's file", e))?;
        Ok(found.nlink() > 0)
    }

    /// Writes the region and gives it its name, if that is free.
    pub(super) fn publish(mut self, path: &Path, plan: &Plan) -> Result<File, Error> {
        plan.fill(&self.file)?;
        let mode = plan.mode;
        // Not at creation: the process's umask would take bits away.
        self.file
            .set_permissions(Permissions::from_mode(mode))
            .map_err(|e| Error::io(format!("setting the mode {mode:o}"), e))?;
        let linked = match self.temporary.take() {
            None => match link_unnamed(&self.file, path) {
                // By neither way: /proc is not there.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    return Self::named(path)?.publish(path, plan);
                }
                linked => linked,
            },
            Some(temporary) => {
                let linked = std::fs::hard_link(&temporary, path);
                // Failing leaves a second name, which the next creator clears away.
                let _ = std::fs::remove_file(&temporary);
                let _ = liveness::unlock(&self.file, AT_MAGIC);
                linked
            }
        };
        match linked {
            Ok(()) => Ok(self.file.try_clone().map_err(|e| Error::io("keeping the new ring open", e))?),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::AlreadyExists { path: path.to_owned() })
            }
            Err(e) => Err(Error::io(format!("giving the new ring its name, {}", path.display()), e)),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            let _ = std::fs::remove_file(temporary);
        }
    }
}

/// Links an unnamed file to `path`: by its descriptor where that is allowed, else by
/// its entry in /proc.
fn link_unnamed(file: &File, path: &Path) -> io::Result<()> {
    let to = CString::new(path.as_os_str().as_bytes())?;
    let by_entry = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    match link(file.as_raw_fd(), c"", &to, libc::AT_EMPTY_PATH) {
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::EPERM | libc::EINVAL)) => {
            link(libc::AT_FDCWD, &by_entry, &to, libc::AT_SYMLINK_FOLLOW)
        }
        done => done,
    }
}

fn link(from_dir: RawFd, from: &std::ffi::CStr, to: &std::ffi::CStr, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: both are strings that end, and live during the call.
    let done = unsafe { libc::linkat(from_dir, from.as_ptr(), libc::AT_FDCWD, to.as_ptr(), flags) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn temporary_prefix(path: &Path) -> String {
    format!(".{}.draft-", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Removes temporary files for `path` whose makers died: nobody holds their lock.
fn clear_abandoned(path: &Path) -> Result<(), Error> {
    let dir = directory_of(path);
    let prefix = temporary_prefix(path);
    for entry in
        std::fs::read_dir(dir).map_err(|e| Error::io(format!("listing {}", dir.display()), e))?.flatten()
    {
        if entry.file_name().to_string_lossy().starts_with(&prefix)
            && let Ok(file) = OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
                .open(entry.path())
            && liveness::lock(&file, AT_MAGIC)?
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    fn plan(mode: u32) -> Plan {
        let options = Options::bytes(4096).mode(mode);
        Plan::new(options.geometry::<[u8]>().expect("a geometry"), &options)
    }

    #[test]
    fn a_file_system_without_unnamed_files_still_gets_whole_rings() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ring");
        let abandoned = dir.path().join(".ring.draft-1-1");
        std::fs::write(&abandoned, b"half").expect("a file");

        let draft = Draft::named(&path).expect("a draft");
        assert!(!abandoned.exists(), "a dead maker's file is cleared away");
        let other = Draft::named(&path).expect("a second maker's draft");
        draft.publish(&path, &plan(0o640)).expect("a ring");
        assert_eq!(std::fs::metadata(&path).expect("it").permissions().mode() & 0o777, 0o640);
        let late = other.publish(&path, &plan(0o600));
        assert!(matches!(late, Err(Error::AlreadyExists { .. })), "{late:?}");
        let left: Vec<_> = std::fs::read_dir(dir.path()).expect("a directory").flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}
