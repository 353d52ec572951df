//! Either side of a handshake over a socket, whose peer says anything and passes anything on.
//!
//! The first byte chooses the side and the ring that is asked for or given, the second what is done
//! with the socket behind the last piece. Then come pieces, each sent by one call: which message of
//! the handshake it begins as, what is put over it, and how many descriptors of which kinds come
//! with it.

use std::{
    fs::File,
    io::Write,
    net::Shutdown,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
    time::Duration,
};

use ironring::{Algorithm, Deadline, Options, Payload, Ring, mpmc, spsc};

use crate::{
    header::use_ring,
    input::Input,
    support::{
        raw::Raw,
        sending::{MOST_FDS, send_with},
        shared_memory,
    },
};

const MESSAGE: usize = 40;
/// Pieces of one input: three are a handshake.
const MOST: usize = 6;
/// The largest file that is made for an input.
const LARGEST: usize = 1 << 16;
const SEALS: i32 = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;

/// Rings to be asked for and passed on, and what the two sides say of each.
struct Bases {
    bytes: spsc::Ring<[u8]>,
    values: mpmc::Ring<u64>,
    /// Hello, reply and acknowledgement of the first, and then of the second.
    said: [[u8; MESSAGE]; 6],
    regions: [Vec<u8>; 2],
}

impl Bases {
    fn new() -> Self {
        let bytes = spsc::Ring::<[u8]>::anonymous(&Options::bytes(256)).expect("a ring");
        bytes.producer().expect("a producer").send(b"five!").expect("room");
        let options = Options::messages(2).participants(3).holding(2);
        let values = mpmc::Ring::<u64>::anonymous(&options).expect("a ring");
        values.producer().expect("a producer").send(&1).expect("room");
        let ([h, r, a], [i, s, b]) = (overheard(&bytes), overheard(&values));
        let regions = [region(&bytes), region(&values)];
        Self { bytes, values, said: [h, r, a, i, s, b], regions }
    }

    fn region(&self, input: &mut Input<'_>) -> Vec<u8> {
        self.regions[usize::from(input.byte()) % self.regions.len()].clone()
    }

    /// A descriptor that a server would not pass on, or one that it would.
    fn descriptor(&self, input: &mut Input<'_>) -> OwnedFd {
        match input.byte() % 12 {
            0 => self.bytes.as_fd().try_clone_to_owned().expect("a descriptor"),
            1 => self.values.as_fd().try_clone_to_owned().expect("a descriptor"),
            // Spoilt in a place or two, and sealed so that it may be believed.
            2 => {
                let mut region = self.region(input);
                let (at, len) = (input.below(region.len()), usize::from(input.byte() % 17));
                for (to, from) in region[at..].iter_mut().zip(input.bytes(len)) {
                    *to = *from;
                }
                let memfd = memfd(&region, libc::MFD_ALLOW_SEALING, 0);
                Raw::of(&memfd).mend_checksum();
                sealed(memfd, SEALS)
            }
            // Of any seals and size.
            3 => {
                let mut region = self.region(input);
                region.resize(input.below(LARGEST), 0);
                memfd(&region, libc::MFD_ALLOW_SEALING, i32::from(input.byte() & 0x1f))
            }
            4 => memfd(&self.region(input), 0, 0),
            5 => memfd(input.bytes(32), libc::MFD_ALLOW_SEALING, SEALS),
            6 => {
                let dir = shared_memory();
                let path = dir.path().join("ring");
                std::fs::write(&path, self.region(input)).expect("a file");
                File::open(&path).expect("the file").into()
            }
            7 => std::io::pipe().expect("a pipe").0.into(),
            8 => UnixStream::pair().expect("sockets").0.into(),
            9 => File::open("/dev/shm").expect("a directory").into(),
            10 => File::options().read(true).write(true).open("/dev/zero").expect("a device").into(),
            _ => {
                // One that gives a name only, and no right to read.
                // SAFETY: the path is a string that ends.
                let fd = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_PATH | libc::O_CLOEXEC) };
                assert_ne!(fd, -1);
                // SAFETY: the descriptor is new, and nobody else has it.
                unsafe { OwnedFd::from_raw_fd(fd) }
            }
        }
    }
}

/// What is said where a ring is passed on as it should be.
fn overheard<M: Payload + ?Sized, A: Algorithm>(ring: &Ring<M, A>) -> [[u8; MESSAGE]; 3] {
    // Nobody answers, so each side says what it can until it misses an answer.
    let said = |mut from: UnixStream| {
        let mut bytes = [0; MESSAGE];
        std::io::Read::read_exact(&mut from, &mut bytes).expect("a message");
        bytes
    };
    let ask = |heard: &[&[u8]], fds: &[RawFd]| {
        let (here, there) = UnixStream::pair().expect("sockets");
        heard.iter().for_each(|bytes| assert_eq!(send_with(&here, bytes, fds).expect("sent"), MESSAGE));
        here.shutdown(Shutdown::Write).expect("shut");
        (here, there)
    };
    let (client, there) = ask(&[], &[]);
    assert!(Ring::<M, A>::receive(&there, |_| true, soon()).is_err());
    let hello = said(client);
    let (server, there) = ask(&[&hello], &[]);
    assert!(ring.serve(&there, |_| true, soon()).is_err());
    let reply = said(server);
    let (mut client, there) = ask(&[&reply], &[ring.as_fd().as_raw_fd()]);
    Ring::<M, A>::receive(&there, |_| true, soon()).expect("the ring");
    std::io::Read::read_exact(&mut client, &mut [0; MESSAGE]).expect("the hello");
    [hello, reply, said(client)]
}

fn region(ring: &impl AsFd) -> Vec<u8> {
    let raw = Raw::of(ring);
    raw.get(0, raw.len())
}

fn memfd(content: &[u8], flags: libc::c_uint, seals: i32) -> OwnedFd {
    // SAFETY: the name is a string that ends.
    let fd = unsafe { libc::memfd_create(c"fuzz".as_ptr(), flags | libc::MFD_CLOEXEC) };
    assert_ne!(fd, -1);
    // SAFETY: the descriptor is new, and nobody else has it.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(content).expect("room");
    sealed(file.into(), seals)
}

fn sealed(memfd: OwnedFd, seals: i32) -> OwnedFd {
    if seals != 0 {
        // SAFETY: the descriptor is open, and the call takes an integer.
        assert_eq!(unsafe { libc::fcntl(memfd.as_raw_fd(), libc::F_ADD_SEALS, seals) }, 0);
    }
    memfd
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// How many descriptors this process has open.
fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc").count()
}

/// What a peer says and passes on, to a client and to a server.
pub fn handshake(data: &[u8]) {
    thread_local!(static BASES: Bases = Bases::new());
    BASES.with(|bases| {
        let before = open_descriptors();
        let mut input = Input::new(data);
        let (side, end) = (input.byte(), input.byte());
        let (here, peer) = UnixStream::pair().expect("sockets");
        for _ in 0..MOST {
            if input.is_over() {
                break;
            }
            say(bases, &mut input, &peer);
        }
        let deadline = match end % 4 {
            // It stays, and says no more.
            0 => Deadline::after(Duration::from_millis(1)),
            1 => {
                peer.shutdown(Shutdown::Both).expect("shut");
                soon()
            }
            _ => {
                peer.shutdown(Shutdown::Write).expect("shut");
                soon()
            }
        };
        match side % 6 {
            0 => receive::<[u8], spsc::Spsc>(&here, deadline, b"sent"),
            1 => receive::<u64, mpmc::Mpmc>(&here, deadline, &1),
            2 => receive::<u64, spsc::Spsc>(&here, deadline, &1),
            3 => receive::<[u8], mpmc::Mpmc>(&here, deadline, b"sent"),
            4 => drop(bases.bytes.serve(&here, |_| true, deadline)),
            _ => drop(bases.values.serve(&here, |_| true, deadline)),
        }
        drop((here, peer));
        assert_eq!(open_descriptors(), before, "a descriptor that was passed stays open");
    });
}

/// Sends one piece.
fn say(bases: &Bases, input: &mut Input<'_>, peer: &UnixStream) {
    let mut bytes = match usize::from(input.byte()) % 8 {
        i @ 0..6 => bases.said[i].to_vec(),
        6 => Vec::new(),
        _ => bases.said[1..3].concat(),
    };
    let changes = input.byte();
    for _ in 0..changes % 4 {
        let (at, len) = (input.below(2 * MESSAGE), usize::from(input.byte() % 9));
        bytes.resize(bytes.len().max(at + len), 0);
        bytes[at..at + len].copy_from_slice(&[input.bytes(len), &[0; 9]].concat()[..len]);
    }
    if changes & 0x80 != 0 {
        bytes.truncate(input.below(2 * MESSAGE));
    }
    let many = usize::from(input.byte());
    let many = if many < 0xf0 { many % 3 } else { many % (MOST_FDS + 1) };
    let fds: Vec<_> = (0..many).map(|_| bases.descriptor(input)).collect();
    let numbers: Vec<_> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    if !bytes.is_empty() {
        assert_eq!(send_with(peer, &bytes, &numbers).expect("room"), bytes.len());
    }
}

fn receive<M: Payload + ?Sized, A: Algorithm>(socket: &UnixStream, deadline: Deadline, message: &M) {
    if let Ok(ring) = Ring::<M, A>::receive(socket, |_| true, deadline) {
        use_ring(&ring, message);
    }
}
