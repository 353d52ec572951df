//! What is typed, and what comes by standard input.
//!
//! Lines of words, each line a command, up to an empty line; what follows that is the standard
//! input of each. Everything happens in a directory of its own: a word has no slash. Measuring
//! takes minutes, so the arguments for it are parsed only.

use std::{
    ffi::OsString,
    fs::File,
    io::{Seek, Write},
    os::{fd::AsRawFd, unix::ffi::OsStringExt},
    path::PathBuf,
};

use crate::support::shared_memory;

/// Commands of one input: more bring nothing new.
const MOST: usize = 8;
/// The largest ring that can be made.
const LARGEST: u64 = 1 << 20;
/// A file that holds the standard input, for the commands that read a report.
const REPORT: &str = "report";

struct Place {
    dir: tempfile::TempDir,
    input: File,
}

impl Place {
    /// Changes this process: where it is, what it reads and writes, and how large files may be.
    fn new() -> Self {
        let dir = shared_memory();
        std::env::set_current_dir(dir.path()).expect("a directory");
        // SAFETY: before any other thread of this process reads the environment.
        unsafe { std::env::set_var("IRONRING_DIR", dir.path()) };
        let limit = libc::rlimit { rlim_cur: LARGEST, rlim_max: LARGEST };
        // SAFETY: it reads a structure that lives.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
        // SAFETY: ignoring a signal calls nothing.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        let nowhere = File::options().write(true).open("/dev/null").expect("the null device");
        let input = tempfile::tempfile_in(dir.path()).expect("a file");
        redirect(&nowhere, 1);
        redirect(&input, 0);
        Self { dir, input }
    }

    fn clear(&self) {
        for entry in std::fs::read_dir(self.dir.path()).expect("a directory").flatten() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn redirect(file: &File, to: i32) {
    // SAFETY: both are descriptors of this process.
    assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), to) }, to);
}

/// The words of a command that may be run as it is.
fn words(line: &[u8]) -> Option<Vec<OsString>> {
    let mut words: Vec<OsString> = line
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty())
        .map(|word| OsString::from_vec(word.iter().filter(|byte| **byte != b'/').copied().collect()))
        .collect();
    let measures = words.iter().any(|word| word == "bench")
        && !words.iter().any(|word| word == "compare" || word == "html");
    // Waits for clients; and a segment would stay on the machine.
    let stays = words.iter().any(|word| word == "serve" || word.as_encoded_bytes().starts_with(b"sysv"));
    if measures || stays {
        return None;
    }
    if let Some(verb) = words.first().cloned()
        && (verb == "send" || verb == "recv")
    {
        // None waits for ever; where it is said twice it is an error.
        words.insert(1, "--timeout=1".into());
    }
    words.insert(0, "ironring".into());
    Some(words)
}

/// Commands, and what they read.
pub fn command_line(data: &[u8]) {
    thread_local!(static PLACE: Place = Place::new());
    PLACE.with(|place| {
        let middle = data.windows(2).position(|two| two == b"\n\n");
        let (lines, input) = match middle {
            Some(at) => (&data[..at], &data[at + 2..]),
            None => (data, &[][..]),
        };
        std::fs::write(PathBuf::from(REPORT), input).expect("a file");
        place.input.set_len(0).expect("a file");
        (&place.input).rewind().expect("a file");
        (&place.input).write_all(input).expect("a file");
        for line in lines.split(|byte| *byte == b'\n').take(MOST) {
            (&place.input).rewind().expect("a file");
            if let Some(words) = words(line) {
                let _ = ironring_cli::main(words);
            }
        }
        place.clear();
    });
}
