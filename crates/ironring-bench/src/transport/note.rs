//! A text that a process is given: where to find what has a name and no descriptor.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
};

use ironring_testkit::{Args, Role};

/// A text that several processes can be given.
#[derive(Debug)]
pub(super) struct Note(File);

impl Note {
    pub(super) fn new(text: &str) -> io::Result<Self> {
        let mut file = tempfile::tempfile()?;
        file.write_all(text.as_bytes())?;
        Ok(Self(file))
    }

    pub(super) fn pass(&self, role: Role, name: &str) -> Role {
        role.pass_fd(name, &self.0)
    }

    /// The text that this process was given under a name.
    pub(super) fn take(args: &mut Args, name: &str) -> io::Result<String> {
        let file = File::from(args.fd(name));
        let mut text = vec![0; file.metadata()?.len() as usize];
        // At a place of its own: whoever else has the file shares its offset.
        file.read_exact_at(&mut text, 0)?;
        String::from_utf8(text).map_err(io::Error::other)
    }
}
