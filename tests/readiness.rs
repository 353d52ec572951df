//! The descriptor of a consumer, in event loops: readable when there may be something, and not
//! when there is nothing.

#[path = "../examples/epoll.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a program, too")]
mod epoll;
#[path = "support/trials.rs"]
mod trials;

use std::{
    io::{BufRead, BufReader},
    os::fd::AsRawFd,
    time::Duration,
};

use ironring::{Options, Readiness, RecvError, Role, WhenAlone, mpmc, spsc};
use ironring_testkit::{Args, Exit, roles};

/// Whether it is readable, or becomes so within `patience`.
fn is_readable(readiness: &Readiness, patience: Duration) -> bool {
    let mut polled = libc::pollfd { fd: readiness.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one descriptor, which is open.
    unsafe { libc::poll(&raw mut polled, 1, patience.as_millis() as libc::c_int) == 1 }
}

const NOW: Duration = Duration::ZERO;
/// Far longer than a wake-up takes.
const LONG: Duration = Duration::from_secs(10);

fn it_is_readable_until_the_ring_was_found_empty() {
    let ring = spsc::Ring::<u64>::anonymous(&Options::messages(8)).expect("a ring");
    let (mut producer, mut consumer) =
        (ring.producer().expect("a producer"), ring.consumer().expect("a consumer"));
    let readiness = consumer.readiness().expect("a descriptor");
    assert!(is_readable(&readiness, NOW), "nobody has looked yet");
    for lap in 0..100 {
        assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
        assert!(!is_readable(&readiness, NOW), "lap {lap}");
        producer.send(&lap).expect("room");
        producer.send(&lap).expect("room");
        assert!(is_readable(&readiness, LONG), "lap {lap}");
        assert_eq!(consumer.recv_value(), Ok(lap));
        assert!(is_readable(&readiness, NOW), "there is one more");
        assert_eq!(consumer.recv_value(), Ok(lap));
    }
}

fn it_tells_of_the_end() {
    let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8)).expect("a ring");
    let (producer, mut consumer) = (ring.producer().expect("a place"), ring.consumer().expect("a place"));
    consumer.set_when_alone(WhenAlone::Disconnect);
    let readiness = consumer.readiness().expect("a descriptor");
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
    drop(producer);
    assert!(is_readable(&readiness, LONG));
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Disconnected));
    assert!(is_readable(&readiness, NOW), "it stays so");
}

/// The role of one that is to die.
fn attach(mut args: Args) {
    let ring = mpmc::Ring::<u64>::from_fd(args.fd("ring")).expect("a ring");
    let _producer = ring.producer().expect("a place");
    loop {
        std::thread::park();
    }
}

/// For one that dies nobody rings: the kernel closes its file.
fn it_tells_of_a_death() {
    let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8)).expect("a ring");
    let mut consumer = ring.consumer().expect("a place");
    consumer.set_when_alone(WhenAlone::Disconnect);
    let readiness = consumer.readiness().expect("a descriptor");
    let mut child = ironring_testkit::Role::new("attach").pass_fd("ring", &ring).spawn().expect("a process");
    while !ring
        .participants()
        .expect("a sound ring")
        .iter()
        .any(|one| one.presence.role == Some(Role::Producer))
    {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
    // What the attachment has left to be told.
    while is_readable(&readiness, Duration::from_millis(100)) {
        assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
    }
    assert_eq!(child.kill(), Exit::KILLED);
    assert!(is_readable(&readiness, LONG));
    while consumer.try_recv().err() == Some(RecvError::Empty) {
        assert!(is_readable(&readiness, LONG));
    }
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Disconnected));
}

fn it_tells_of_a_close() {
    let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8)).expect("a ring");
    let mut consumer = ring.consumer().expect("a place");
    let readiness = consumer.readiness().expect("a descriptor");
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
    ring.close();
    assert!(is_readable(&readiness, LONG));
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Disconnected));
}

/// Two of a process, one of them woken for nothing, or for the end of the other.
fn consumers_of_one_ring_have_one_each() {
    let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8)).expect("a ring");
    let (mut producer, mut gone) = (ring.producer().expect("a place"), ring.consumer().expect("a place"));
    let mut consumer = ring.consumer().expect("a place");
    let (first, second) = (gone.readiness().expect("one"), consumer.readiness().expect("another"));
    assert!(gone.try_recv().is_err() && consumer.try_recv().is_err());
    producer.send(&1).expect("room");
    assert!(is_readable(&first, LONG) && is_readable(&second, LONG));
    assert_eq!(consumer.recv_value(), Ok(1));
    assert_eq!(gone.try_recv().err(), Some(RecvError::Empty));
    drop((gone, first));
    while consumer.try_recv().is_ok() || is_readable(&second, Duration::from_millis(100)) {}
    producer.send(&2).expect("room");
    assert!(is_readable(&second, LONG));
    assert_eq!(consumer.recv_value(), Ok(2));
}

fn the_example_receives_from_several_rings() {
    let dir = tempfile::tempdir_in("/dev/shm").expect("a directory");
    let names = ["first", "second", "third"].map(|name| dir.path().join(name));
    let rings =
        names.each_ref().map(|name| spsc::Ring::<[u8]>::create(name, &Options::bytes(4096)).expect("a ring"));
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let given = names.each_ref().map(|name| name.display().to_string());
    let example = std::thread::spawn(move || epoll::run(given, writer).expect("sound rings"));
    let mut lines = BufReader::new(reader).lines();
    let mut producers = rings.each_ref().map(|ring| ring.producer().expect("a producer"));
    for lap in 0..50 {
        for (name, producer) in names.iter().zip(&mut producers) {
            producer.send(lap.to_string().as_bytes()).expect("room");
            let line = lines.next().expect("a line").expect("text");
            assert_eq!(line, format!("{}: {lap}", name.display()));
        }
    }
    for (ring, producer) in rings.iter().zip(producers) {
        drop(producer);
        ring.close();
    }
    example.join().expect("it ends");
}

fn main() {
    roles::run(&[("attach", attach)]);
    trials::run(&[&[
        ("it_is_readable_until_the_ring_was_found_empty", it_is_readable_until_the_ring_was_found_empty),
        ("it_tells_of_the_end", it_tells_of_the_end),
        ("it_tells_of_a_death", it_tells_of_a_death),
        ("it_tells_of_a_close", it_tells_of_a_close),
        ("consumers_of_one_ring_have_one_each", consumers_of_one_ring_have_one_each),
        ("the_example_receives_from_several_rings", the_example_receives_from_several_rings),
    ]]);
}
