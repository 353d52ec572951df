//! A ring for a program that is started.

use std::{
    io,
    os::{fd::AsRawFd, unix::process::CommandExt},
    process::Command,
};

use crate::{Error, Name, Ring, algorithm::Algorithm, payload::Payload, region::Region};

impl<M: Payload + ?Sized, A: Algorithm> Ring<M, A> {
    /// Has the program that `command` starts inherit the ring: its descriptor, whose number is in the
    /// environment variable `variable`. The program gets it by [`inherited`](Self::inherited), or
    /// by the name `fd:N`. No other program that this process starts inherits it.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where the ring's memory is no file; [`Error::Io`].
    ///
    /// ```
    /// use std::process::Command;
    ///
    /// use ironring::{Options, spsc};
    ///
    /// let ring = spsc::Ring::<[u8]>::anonymous(&Options::bytes(4096))?;
    /// let mut command = Command::new("sh");
    /// command.args(["-c", "test -e /proc/self/fd/$RING"]);
    /// ring.pass_to(&mut command, "RING")?;
    /// assert!(command.status()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pass_to(&self, command: &mut Command, variable: &str) -> Result<(), Error> {
        let region = self.region.file();
        region.to_pass_on()?;
        let file =
            region.checked()?.try_clone().map_err(|e| Error::io("duplicating the ring's descriptor", e))?;
        command.env(variable, file.as_raw_fd().to_string());
        let pass = move || {
            // SAFETY: takes integers, and may be called between fork and exec.
            let done = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, 0) };
            if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
        };
        // SAFETY: the closure makes one system call that is safe in a signal handler.
        unsafe { command.pre_exec(pass) };
        Ok(())
    }

    /// Opens the ring that whoever started this program has passed on, by the number in the
    /// environment variable `variable`. Programs that this one starts do not inherit it in turn.
    ///
    /// # Errors
    ///
    /// [`Error::NotInherited`] if there is no such variable or number; those of
    /// [`from_fd`](Self::from_fd).
    ///
    /// ```no_run
    /// use ironring::spsc;
    ///
    /// let ring = spsc::Ring::<[u8]>::inherited("RING")?;
    /// # Ok::<(), ironring::Error>(())
    /// ```
    pub fn inherited(variable: &str) -> Result<Self, Error> {
        let found = std::env::var(variable).unwrap_or_default();
        let number = found.parse::<libc::c_int>().ok().filter(|fd| *fd >= 0);
        let number = number.ok_or_else(|| Error::NotInherited { variable: variable.to_owned(), found })?;
        let ring = Self::checked(Region::open(&Name::new(format!("fd:{number}")))?, None)?;
        // SAFETY: takes integers; it was a ring's descriptor just now.
        unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
        Ok(ring)
    }
}
