//! Processes and sockets that outlive a killed holder, with what they have of it.

use std::{
    os::{
        fd::{AsFd, AsRawFd, RawFd},
        unix::net::UnixStream,
    },
    ptr,
    time::{Duration, Instant},
};

use ironring::{Error, Options, State, spsc::Ring};
use ironring_testkit::{Args, Exit, Ledger, Role};

use crate::support::{
    forks::{fork, idle},
    sending::send_with,
    shared_memory,
};

/// What is left when the holder of both roles is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Heir {
    /// A forked child that does nothing.
    IdleChild,
    /// Another program, with a duplicate of the ring's descriptor.
    Program,
    /// Another program, with every descriptor of the holder.
    ProgramWithAll,
    /// A message with the ring's descriptor, in a socket that nobody reads.
    Queue,
}

impl Heir {
    const ALL: [Self; 4] = [Self::IdleChild, Self::Program, Self::ProgramWithAll, Self::Queue];
}

pub(crate) const TESTS: [(&str, Heir); 4] = [
    ("idle_child_does_not_keep_its_killed_parents_roles", Heir::IdleChild),
    ("program_with_the_rings_descriptor_does_not_keep_them", Heir::Program),
    ("program_with_all_descriptors_does_not_keep_them", Heir::ProgramWithAll),
    ("descriptor_queued_in_a_socket_does_not_keep_them", Heir::Queue),
];

/// Words of the ledger: the heir's process id, when it is ready.
const HEIR: usize = 0;

/// Role: holds both roles of a ring, leaves something behind, and waits to be killed.
pub(crate) fn hold(mut args: Args) {
    let ledger = args.ledger();
    let heir = Heir::ALL[args.parse::<usize>("heir")];
    let name: String = args.parse("name");
    let ring = Ring::<[u8]>::open(name).expect("a ring");
    let (mut producer, _consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
    producer.try_send(b"of the holder").expect("room");
    let pid = match heir {
        Heir::IdleChild => fork(|| idle()),
        Heir::Program => fork(|| {
            // SAFETY: the descriptor is open; the new one is kept over `exec`.
            assert_ne!(unsafe { libc::dup(ring.as_fd().as_raw_fd()) }, -1);
            become_a_program();
        }),
        Heir::ProgramWithAll => fork(|| {
            keep_all_over_exec();
            become_a_program();
        }),
        Heir::Queue => {
            let (socket, other) = UnixStream::pair().expect("sockets");
            assert_eq!(send_with(&socket, b"!", &[ring.as_fd().as_raw_fd()]).expect("sent"), 1);
            let pid = fork(|| {
                drop(socket);
                // The child's own copy goes; the one in the queue stays.
                // SAFETY: the child uses nothing of the ring again.
                unsafe { libc::close(ring.as_fd().as_raw_fd()) };
                idle()
            });
            drop(other);
            pid
        }
    };
    ledger.set(HEIR, pid as u64);
    idle();
}

/// Becomes `sleep`, which ends by itself should the test fail.
fn become_a_program() {
    let argv = [c"sleep".as_ptr(), c"30".as_ptr(), ptr::null()];
    // SAFETY: the path and the arguments are strings that end, and the list ends.
    unsafe { libc::execvp(argv[0], argv.as_ptr()) };
    panic!("sleep: {}", std::io::Error::last_os_error());
}

fn keep_all_over_exec() {
    for entry in std::fs::read_dir("/proc/self/fd").expect("/proc").flatten() {
        let fd: RawFd = entry.file_name().to_str().expect("digits").parse().expect("a number");
        // SAFETY: takes integers; a descriptor that is closed by now is refused.
        unsafe { libc::fcntl(fd, libc::F_SETFD, 0) };
    }
}

/// Ends a process when dropped.
struct Ended(libc::pid_t);

impl Ended {
    fn is_alive(&self) -> bool {
        // A zombie would count as alive for `kill`.
        let status = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // SAFETY: takes integers; the process is one that this test's child made, which
        // ends by itself after half a minute at the earliest.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
    }
}

pub(crate) fn successor_attaches_while_the_heir_lives(heir: Heir) {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = Ring::<[u8]>::create(&path, &Options::bytes(256)).expect("a ring");
    let ledger = Ledger::new(1).expect("a ledger");
    let role = Role::new("holder").ledger(&ledger).arg(heir as u8).arg(path.display());
    let mut holder = role.spawn().expect("a holder");
    let started = Instant::now();
    while ledger.get(HEIR) == 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", holder.wait_timeout(Duration::ZERO));
        std::thread::sleep(Duration::from_millis(1));
    }
    let heir_process = Ended(ledger.get(HEIR) as libc::pid_t);
    assert!(
        matches!(ring.producer(), Err(Error::Busy { holder: told, .. }) if told.pid == holder.pid() as u32)
    );

    assert_eq!(holder.kill(), Exit::KILLED);
    let killed = Instant::now();
    let mut producer = loop {
        match ring.producer() {
            // The kernel lets go in its own time, as long as the heir does not hold on.
            Err(Error::Busy { .. }) if killed.elapsed() < Duration::from_secs(5) => {}
            done => break done.expect("the holder is dead"),
        }
    };
    assert_eq!(producer.consumer().expect("presence").state, State::Died);
    let mut consumer = ring.consumer().expect("the holder is dead");
    assert!(heir_process.is_alive(), "it was to live longer");
    producer.try_send(b"of the successor").expect("room");
    for expected in ["of the holder", "of the successor"] {
        assert_eq!(consumer.try_recv().expect("it").to_vec(), expected.as_bytes());
    }
    println!("{heir:?}: both roles were free {} us after the kill", killed.elapsed().as_micros());
}
