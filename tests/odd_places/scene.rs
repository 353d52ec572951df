//! One process in one place holds a message and a role, another in another place sees that it lives,
//! and, when it is killed, that it is dead, and sets right what it left.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ironring::{Error, Options, RecvError, State, mpmc, spsc};
use ironring_testkit::{Args, Child, Ledger, Role, roles::RoleFn};

use crate::{
    place::{PID, Place, stay},
    support::shared_memory,
    trials::Tests,
};

pub(crate) const ROLES: &[(&str, RoleFn)] = &[("holder", hold), ("finder", find)];

pub(crate) const TESTS: Tests = &[
    ("in_another_pid_namespace", || scenes(Place::PidNamespace)),
    ("as_another_user", || scenes(Place::OtherUser)),
    ("in_a_user_namespace", || scenes(Place::UserNamespace)),
    ("without_proc", || scenes(Place::NoProc)),
    ("with_something_else_at_proc", || scenes(Place::OtherProc)),
    ("with_a_proc_that_is_read_only", || scenes(Place::ReadOnlyProc)),
    ("behind_a_filter_of_system_calls", || scenes(Place::Filtered)),
];

/// Words of a ledger, behind that for the number.
pub(crate) const STATE: usize = 1;
pub(crate) const READY: u64 = 1;
const KILLED: u64 = 2;

const MESSAGE: u64 = 7;

struct Rings {
    exchange: mpmc::Ring<u64>,
    stream: spsc::Ring<u64>,
}

impl Rings {
    fn open(dir: &Path, place: Place) -> Self {
        Self {
            exchange: mpmc::Ring::open(place.name(&dir.join("exchange"))).expect("a ring"),
            stream: spsc::Ring::open(place.name(&dir.join("stream"))).expect("a ring"),
        }
    }
}

/// Role: takes a message and keeps it, and holds a role.
fn hold(mut args: Args) {
    let (place, dir, ledger) = given(&mut args);
    place.run(&ledger, || {
        let rings = Rings::open(&dir, place);
        let mut consumer = rings.exchange.consumer().expect("a place");
        let _held = consumer.recv_owned().expect("a message");
        let mut producer = rings.stream.producer().expect("the role");
        producer.send(&MESSAGE).expect("room");
        stay(&ledger, STATE, READY);
    });
}

/// Role: sees that the holder lives, until it is told that it was killed, and then that it is dead.
fn find(mut args: Args) {
    let (place, dir, ledger) = given(&mut args);
    let holder: u32 = args.parse("what the holder says it is");
    place.run(&ledger, || {
        let Rings { exchange, stream } = Rings::open(&dir, place);
        let mut consumer = exchange.consumer().expect("a place");
        for _ in 0..20 {
            assert_eq!(exchange.recover().expect("a whole ring"), [], "it lives");
            assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty), "it lives");
            let refused = stream.producer().expect_err("it lives");
            assert!(matches!(refused, Error::Busy { holder: told, .. } if told.pid == holder), "{refused}");
            std::thread::sleep(Duration::from_millis(2));
        }
        ledger.set(STATE, READY);
        wait_for(KILLED, &ledger);

        let recovered = until("it is dead", || exchange.recover().expect("a whole ring").pop());
        assert_eq!((recovered.holder.pid, recovered.redelivered, recovered.dropped), (holder, 1, 0));
        let message = consumer.recv_by(Duration::from_secs(10)).expect("the message that it held");
        assert_eq!((message.get(), message.is_redelivered()), (MESSAGE, true));
        drop(message);
        let mut producer = until("it is dead", || stream.producer().ok());
        assert_eq!(stream.presence(ironring::Role::Producer).expect("presence").state, State::Attached);
        producer.send(&(MESSAGE + 1)).expect("room");
        let mut receiver = stream.consumer().expect("the role");
        for sent in [MESSAGE, MESSAGE + 1] {
            assert_eq!(receiver.recv_value(), Ok(sent));
        }
    });
}

fn given(args: &mut Args) -> (Place, PathBuf, Ledger) {
    (args.parse("place"), args.parse("directory"), args.ledger())
}

fn wait_for(state: u64, ledger: &Ledger) {
    until("the other process", || (ledger.get(STATE) == state).then_some(()));
}

pub(crate) fn until<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(done) = done() {
            return done;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{what}: not within half a minute");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A process that has got as far as `READY`, and its ledger. Its number is there by then, which
/// a parent may set later than its child says so: 0 would be everybody of this process group.
pub(crate) fn ready(role: Role) -> (Child, Ledger) {
    let ledger = Ledger::new(2).expect("a ledger");
    let mut child = role.ledger(&ledger).spawn().expect("a process");
    until("getting ready", || {
        assert_eq!(child.wait_timeout(Duration::ZERO), None, "it has ended");
        (ledger.get(STATE) == READY && ledger.get(PID) != 0).then_some(())
    });
    (child, ledger)
}

/// Kills the process that is in a place, and waits for the one that was started.
pub(crate) fn kill(mut child: Child, ledger: &Ledger) {
    let pid = ledger.get(PID) as libc::pid_t;
    assert_ne!(pid, 0, "that would be this test itself");
    // SAFETY: takes integers; the process is one that this test started, and not reaped by anybody
    // before this is seen by its parent.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
    child.wait();
}

/// A place on either side, and on both.
fn scenes(odd: Place) {
    if odd.is_open() {
        scene(odd, Place::Here);
        scene(Place::Here, odd);
        scene(odd, odd);
    }
}

fn scene(of_holder: Place, of_finder: Place) {
    let dir = shared_memory();
    // So that any user gets at it, and no more.
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o711)).expect("the owner may");
    let options = Options::messages(4).mode(0o666);
    let exchange = mpmc::Ring::<u64>::create(dir.path().join("exchange"), &options).expect("a ring");
    let stream = spsc::Ring::<u64>::create(dir.path().join("stream"), &options).expect("a ring");
    exchange.producer().expect("a place").send(&MESSAGE).expect("room");

    let path = dir.path().display();
    let (holder, holders) = ready(Role::new("holder").arg(of_holder).arg(&path));
    let says = stream.presence(ironring::Role::Producer).expect("presence").holder.pid;
    match of_holder {
        Place::PidNamespace => assert_eq!(says, 1, "as it sees itself"),
        _ => assert_eq!(u64::from(says), holders.get(PID)),
    }
    let (mut finder, finders) = ready(Role::new("finder").arg(of_finder).arg(path).arg(says));
    kill(holder, &holders);
    finders.set(STATE, KILLED);
    assert!(finder.wait().success(), "{of_finder}: it did not find the dead of {of_holder}");
}
