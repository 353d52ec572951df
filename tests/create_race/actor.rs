//! One of the processes that race. It panics when it sees what nobody may see.

use std::{
    fs::File,
    os::{
        fd::AsFd,
        unix::fs::{FileExt, MetadataExt},
    },
    path::PathBuf,
    time::Duration,
};

use ironring::{Error, Options, RecvError, SendError, spsc::Ring};
use ironring_testkit::{Args, Ledger, rng::fastrand::Rng};

use crate::{
    board::{self, Count, DUTY, Operation, PHASE, RECEIVED},
    no_unnamed_files,
    support::layout::fnv1a,
};

/// Reached only by a test that fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// All rings here are alike, so that only their identity tells them apart.
pub(crate) fn options() -> Options {
    Options::bytes(4096)
}

struct Actor {
    name: PathBuf,
    number: usize,
    ledger: Ledger,
    rng: Rng,
    /// The ring opened last, and which it is.
    held: Option<(Ring<[u8]>, u64)>,
}

/// Role: does as the board says until it is killed.
pub(crate) fn act(mut args: Args) {
    let ledger = args.ledger();
    let number = args.parse("number");
    let seed = args.parse("seed");
    let name = args.parse("name");
    if args.parse("no unnamed files") {
        no_unnamed_files::from_now_on();
    }
    // The parent comes first, so that it kills when it wants to.
    // SAFETY: takes an integer.
    unsafe { libc::nice(10) };
    let mut actor = Actor { name, number, ledger, rng: Rng::with_seed(seed), held: None };
    let mut seen = 0;
    loop {
        let phase = actor.ledger.get(PHASE);
        let round = phase / 3;
        if phase == board::storm(round) {
            actor.do_anything();
        } else if seen != phase {
            seen = phase;
            if phase == board::gathering(round) {
                actor.gather(round);
            } else {
                actor.ledger.set(board::came(number), phase);
            }
        } else {
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

/// Tells `ring` from every other one: its inode, and when it was made.
fn identity(ring: &Ring<[u8]>) -> u64 {
    let file = File::from(ring.as_fd().try_clone_to_owned().expect("a descriptor"));
    let mut created = [0; 8];
    file.read_exact_at(&mut created, 104).expect("the header");
    let inode = file.metadata().expect("the file").ino();
    fnv1a(inode.to_ne_bytes().into_iter().chain(created))
}

impl Actor {
    fn doing<T>(&self, operation: Operation, run: impl FnOnce() -> T) -> T {
        self.ledger.set(board::doing(self.number), operation as u64);
        let done = run();
        self.ledger.set(board::doing(self.number), 0);
        done
    }

    fn count(&self, count: Count) {
        count.add(&self.ledger);
    }

    fn do_anything(&mut self) {
        match self.rng.u8(..) {
            0..50 => self.create(),
            50..110 => self.open(),
            110..140 => {
                let ring = self.open_or_create();
                self.hold(ring);
            }
            140..175 => self.remove(),
            175..215 => self.send(),
            215..254 => self.receive(),
            // Takes as long as hundreds of the others.
            254.. => self.drain_retired(),
        }
    }

    fn create(&mut self) {
        match self.doing(Operation::Create, || Ring::create(&self.name, &options())) {
            Ok(ring) => {
                self.count(Count::Created);
                self.hold(ring);
            }
            Err(Error::AlreadyExists { .. }) => self.count(Count::FoundExisting),
            Err(error) => panic!("create: {error}"),
        }
    }

    fn open(&mut self) {
        match self.doing(Operation::Open, || Ring::open(&self.name)) {
            Ok(ring) => {
                self.count(Count::Opened);
                self.hold(ring);
            }
            Err(Error::NotFound { .. }) => self.count(Count::FoundNothing),
            Err(error) => panic!("open: {error}"),
        }
    }

    fn open_or_create(&self) -> Ring<[u8]> {
        let ring = self.doing(Operation::OpenOrCreate, || Ring::open_or_create(&self.name, &options()));
        self.count(Count::OpenedOrCreated);
        ring.unwrap_or_else(|error| panic!("open_or_create: {error}"))
    }

    fn remove(&self) {
        match self.doing(Operation::Remove, || ironring::remove(&self.name)) {
            Ok(()) => self.count(Count::Removed),
            Err(Error::NotFound { .. }) => self.count(Count::NothingToRemove),
            Err(error) => panic!("remove: {error}"),
        }
    }

    /// Keeps `ring`, which the name led to just now, instead of the one kept before.
    fn hold(&mut self, ring: Ring<[u8]>) {
        let new = identity(&ring);
        if let Some((old, old_identity)) = &self.held
            && *old_identity != new
        {
            assert!(old.is_retired(), "another ring has the name, and this one's holders do not learn it");
            self.count(Count::LearntRetired);
        }
        self.held = Some((ring, new));
    }

    /// Sends which ring this is.
    fn send(&self) {
        let Some((ring, identity)) = &self.held else { return };
        self.doing(Operation::Send, || match ring.producer() {
            Ok(mut producer) => match producer.try_send(&identity.to_ne_bytes()) {
                Ok(()) => self.count(Count::Sent),
                Err(SendError::Full) => {}
                Err(error) => panic!("send: {error}"),
            },
            Err(Error::Busy { .. }) => self.count(Count::RoleBusy),
            Err(error) => panic!("attach as producer: {error}"),
        });
    }

    /// Receives from those who sent on the same ring.
    fn receive(&self) {
        let Some((ring, identity)) = &self.held else { return };
        self.doing(Operation::Receive, || match ring.consumer() {
            Ok(mut consumer) => loop {
                match consumer.try_recv() {
                    Ok(message) => {
                        assert_eq!(message.to_vec()[..8], identity.to_ne_bytes(), "sent on another ring");
                        self.count(Count::Received);
                    }
                    Err(RecvError::Empty) => return,
                    Err(error) => panic!("receive: {error}"),
                }
            },
            Err(Error::Busy { .. }) => self.count(Count::RoleBusy),
            Err(error) => panic!("attach as consumer: {error}"),
        });
    }

    /// A wait in a retired ring ends when it is empty.
    fn drain_retired(&self) {
        let Some((ring, _)) = self.held.as_ref().filter(|(ring, _)| ring.is_retired()) else { return };
        self.doing(Operation::DrainRetired, || {
            let Ok(mut consumer) = ring.consumer() else { return };
            loop {
                match consumer.recv_by(PATIENCE) {
                    Ok(message) => message.release(),
                    Err(RecvError::Retired) => break,
                    Err(error) => panic!("in a retired ring: {error}"),
                }
            }
            self.count(Count::DrainedRetired);
        });
    }

    fn gather(&mut self, round: u64) {
        self.held = None;
        let ring = self.open_or_create();
        self.ledger.set(board::found(self.number), identity(&ring));
        self.ledger.set(board::came(self.number), board::gathering(round));
        while self.ledger.get(DUTY) >> 16 != round {
            std::thread::sleep(Duration::from_micros(50));
        }
        let duty = self.ledger.get(DUTY);
        let told = [identity(&ring), round].map(u64::to_ne_bytes).concat();
        if (duty >> 8 & 0xff) as usize == self.number {
            let mut producer = ring.producer().expect("all roles are free");
            producer.send_by(&told, PATIENCE).expect("sent");
        }
        if (duty & 0xff) as usize == self.number {
            let mut consumer = ring.consumer().expect("all roles are free");
            while consumer.recv_by(PATIENCE).expect("what the sender sent").to_vec() != told {}
            self.ledger.set(RECEIVED, round);
        }
        self.hold(ring);
    }
}
