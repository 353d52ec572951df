//! The parent: kills, restarts, and looks at what is left.

use std::{
    fs::File,
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, MetadataExt},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ironring::spsc::Ring;
use ironring_testkit::{Args, Child, Exit, Ledger, Role, rng::Seeded};

use crate::{
    actor::{PATIENCE, options},
    board::{self, ACTORS, Count, DUTY, Operation, PHASE, RECEIVED, WORDS},
    no_unnamed_files,
    support::{layout::AT_RETIRED, shared_memory},
};

struct Storm {
    name: PathBuf,
    no_unnamed_files: bool,
    ledger: Ledger,
    rng: Seeded,
    actors: Vec<Child>,
    kills: u64,
    /// How many were killed in the middle of each operation.
    killed_in: [u64; Operation::ALL.len() + 1],
    /// How often a retired ring was found under the name while nobody was removing it.
    half_removed: u64,
}

pub(crate) fn run(rounds: u64, no_unnamed_files: bool) {
    let dir = shared_memory();
    let mut storm = Storm {
        name: dir.path().join("ring"),
        no_unnamed_files,
        ledger: Ledger::new(WORDS).expect("a ledger"),
        rng: Seeded::new(),
        actors: Vec::new(),
        kills: 0,
        killed_in: [0; Operation::ALL.len() + 1],
        half_removed: 0,
    };
    println!("seed {}", storm.rng.seed());
    let started = Instant::now();
    storm.ledger.set(PHASE, board::storm(1));
    for number in 0..ACTORS {
        let actor = storm.start(number);
        storm.actors.push(actor);
    }
    for round in 1..=rounds {
        storm.ledger.set(PHASE, board::storm(round));
        storm.rage();
        storm.wait_for_all(board::calm(round));
        storm.wait_for_all(board::gathering(round));
        storm.gather(round);
    }
    // The last storm ends with the end of all.
    storm.ledger.set(PHASE, board::storm(rounds + 1));
    for number in 0..ACTORS {
        storm.kill(number);
    }
    storm.print(rounds, started.elapsed());
    storm.check_what_is_left(dir.path());
}

impl Storm {
    fn start(&mut self, number: usize) -> Child {
        Role::new("actor")
            .ledger(&self.ledger)
            .arg(number)
            .arg(self.rng.u64(..))
            .arg(self.name.display())
            .arg(self.no_unnamed_files)
            .spawn()
            .expect("an actor")
    }

    fn kill(&mut self, number: usize) {
        let exit = self.actors[number].kill();
        assert_eq!(exit, Exit::KILLED, "actor {number} saw what nobody may see");
        self.kills += 1;
        let doing = self.ledger.get(board::doing(number));
        self.killed_in[doing as usize] += 1;
        self.ledger.set(board::doing(number), 0);
    }

    /// Kills a few actors at any time, and starts others in their place.
    fn rage(&mut self) {
        for _ in 0..self.rng.u32(1..=3) {
            std::thread::sleep(Duration::from_micros(self.rng.u64(..2000)));
            let number = self.rng.usize(..ACTORS);
            self.kill(number);
            self.half_removed += u64::from(is_half_removed(&self.name).unwrap_or(false));
            self.actors[number] = self.start(number);
        }
    }

    /// All actors find the same ring, and a message goes from one to another.
    fn gather(&mut self, round: u64) {
        let rings: Vec<_> = (0..ACTORS).map(|number| self.ledger.get(board::found(number))).collect();
        assert!(rings.iter().all(|ring| *ring == rings[0]), "round {round}: more than one ring: {rings:x?}");
        let sender = self.rng.usize(..ACTORS);
        let receiver = (sender + self.rng.usize(1..ACTORS)) % ACTORS;
        self.ledger.set(DUTY, board::duty(round, sender, receiver));
        self.wait_until(RECEIVED, round);
    }

    fn wait_for_all(&mut self, phase: u64) {
        self.ledger.set(PHASE, phase);
        for number in 0..ACTORS {
            self.wait_until(board::came(number), phase);
        }
    }

    fn wait_until(&mut self, word: usize, value: u64) {
        let deadline = Instant::now() + PATIENCE;
        while self.ledger.get(word) != value {
            if Instant::now() > deadline {
                let ends = self.actors.iter_mut().map(|actor| actor.wait_timeout(Duration::ZERO));
                panic!("word {word} does not become {value}; {:?}", ends.collect::<Vec<_>>());
            }
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    fn print(&self, rounds: u64, took: Duration) {
        println!(
            "{rounds} rounds of {ACTORS} processes in {:.1} s, {} kills:",
            took.as_secs_f64(),
            self.kills
        );
        for operation in Operation::ALL {
            println!("  killed in {operation:?}: {}", self.killed_in[operation as usize]);
        }
        println!("  killed between operations: {}", self.killed_in[0]);
        println!("  rings found half removed: {}", self.half_removed);
        for count in Count::ALL {
            println!("  {count:?}: {}", count.get(&self.ledger));
            assert!(count.get(&self.ledger) > 0, "{count:?} never happened");
        }
    }

    fn check_what_is_left(&self, dir: &Path) {
        let names = || -> Vec<_> {
            dir.read_dir().expect("it").map(|entry| entry.expect("an entry").file_name()).collect()
        };
        if self.no_unnamed_files {
            // Makers that were killed left their drafts: to the next who makes a ring.
            let role = Role::new("sweeper").arg(self.name.display());
            assert!(role.spawn().expect("a sweeper").wait().success());
        }
        assert!(names().iter().all(|name| name == "ring"), "left over: {:?}", names());
        let ring = Ring::<[u8]>::open_or_create(&self.name, &options()).expect("a ring");
        assert!(!ring.is_retired() && !is_half_removed(&self.name).expect("the ring"));
        ring.producer().expect("nobody holds it");
        ring.consumer().expect("nobody holds it");
        ironring::remove(&self.name).expect("removed");
        assert!(ring.is_retired());
        assert!(names().is_empty(), "left over: {:?}", names());
    }
}

/// Whether the ring called `name` is retired, and nobody is at its removal.
fn is_half_removed(name: &Path) -> io::Result<bool> {
    let file = File::open(name)?;
    let mut retired = [0; 8];
    file.read_exact_at(&mut retired, AT_RETIRED as u64)?;
    // SAFETY: plain integers, for which zero is a value: the file's first byte, when the
    // length is 1.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = libc::F_WRLCK as libc::c_short;
    range.l_len = 1;
    // SAFETY: the descriptor is open, and `range` may be read and written.
    let asked = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut range) };
    let unlocked = asked == 0 && i32::from(range.l_type) == libc::F_UNLCK;
    // Who removes it lets go of the lock when the name is gone, so look at that last.
    let named = std::fs::metadata(name)?.ino() == file.metadata()?.ino();
    Ok(u64::from_ne_bytes(retired) != 0 && unlocked && named)
}

/// Role: makes a ring where no unnamed files are known.
pub(crate) fn sweep(mut args: Args) {
    let name: PathBuf = args.parse("name");
    no_unnamed_files::from_now_on();
    match Ring::<[u8]>::create(&name, &options()) {
        Ok(_) | Err(ironring::Error::AlreadyExists { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}
