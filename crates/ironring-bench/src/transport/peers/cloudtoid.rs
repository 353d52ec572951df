//! cloudtoid-interprocess: a queue of bytes in a file that is mapped.

use std::{io, path::Path, thread};

use cloudtoid_interprocess::{Error, Options, Publisher, Subscriber};
use ironring_testkit::{Args, Role};
use tempfile::TempDir;

use super::failed;
use crate::transport::{End, Idle, Link, Receiver, Sender, Setup, expect_len, note::Note};

/// The most messages that are sent together at once.
const MOST: usize = 64;

/// A queue, which is there as long as somebody has it open.
#[derive(Debug)]
pub struct Cloudtoid {
    _open: Subscriber,
    _dir: TempDir,
    place: Note,
}

/// A side of a queue.
#[derive(Debug)]
pub struct Side<S> {
    side: S,
    idle: Idle,
}

fn options(dir: &Path, setup: &Setup) -> Options {
    // Semaphores lie beside each other under the queues' names: this one is the directory's.
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    // A message takes 8 bytes more than it has, in whole words.
    let capacity = setup.messages as usize * (setup.size + 8).next_multiple_of(8);
    Options::new(name, capacity).with_path(dir)
}

fn given(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Options> {
    Ok(options(Path::new(&Note::take(args, name)?), setup))
}

impl Link for Cloudtoid {
    type Sender = Side<Publisher>;
    type Receiver = Side<Subscriber>;

    fn new(setup: &Setup) -> io::Result<Self> {
        // In memory, where there is such a place.
        let dir = tempfile::Builder::new().prefix("ironring-bench-").tempdir_in("/dev/shm");
        let dir = dir.or_else(|_| tempfile::tempdir())?;
        let open = Subscriber::open(&options(dir.path(), setup)).map_err(failed)?;
        Ok(Self { _open: open, place: Note::new(&dir.path().to_string_lossy())?, _dir: dir })
    }

    fn pass(&self, role: Role, name: &str, _end: End) -> Role {
        self.place.pass(role, name)
    }

    fn sender(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Self::Sender> {
        let side = Publisher::open(&given(args, name, setup)?).map_err(failed)?;
        Ok(Side { side, idle: setup.idle })
    }

    fn receiver(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Self::Receiver> {
        let side = Subscriber::open(&given(args, name, setup)?).map_err(failed)?;
        Ok(Side { side, idle: setup.idle })
    }
}

impl Side<Publisher> {
    /// Between two looks for room, for which the crate has no way to wait.
    fn pause(&self) {
        if self.idle.waits() {
            thread::yield_now();
        } else {
            self.idle.pause();
        }
    }
}

impl Sender for Side<Publisher> {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        loop {
            match self.side.try_send(message) {
                Ok(()) => return Ok(()),
                Err(Error::Full) => self.pause(),
                Err(error) => return Err(failed(error)),
            }
        }
    }

    #[inline]
    fn send_batch(&mut self, messages: &[u8], size: usize) -> io::Result<()> {
        for some in messages.chunks(MOST * size) {
            let mut parts: [&[u8]; MOST] = [&[]; MOST];
            let count = some.len() / size;
            parts.iter_mut().zip(some.chunks_exact(size)).for_each(|(part, message)| *part = message);
            let mut left = &parts[..count];
            while !left.is_empty() {
                let sent = self.side.try_send_batch(left).map_err(failed)?;
                left = &left[sent..];
                if sent == 0 {
                    self.pause();
                }
            }
        }
        Ok(())
    }
}

impl Receiver for Side<Subscriber> {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        if self.idle.waits() {
            let message = self.side.recv().map_err(failed)?;
            expect_len(message.len(), into.len())?;
            into.copy_from_slice(&message);
            return Ok(());
        }
        let len = self.idle.until(|| self.side.try_recv_into(into).map_err(failed))?;
        expect_len(len, into.len())
    }
}
