//! The handshake over a unix socket: who gets a ring, and what becomes of those who say something else.

use std::{
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    thread,
    time::Duration,
};

use ironring::{Deadline, Error, Options, Peer, mpmc, spsc};

use crate::{Tests, support::sending::send_with};

pub(crate) const TESTS: Tests = &[
    ("both_sides_are_asked_whether_they_admit_the_other", both_sides_admit),
    ("rings_of_other_messages_are_refused_by_name", other_messages_are_refused),
    ("whoever_says_something_else_gets_an_error_and_no_ring", something_else_is_an_error),
    ("whoever_says_nothing_is_given_up_at_the_deadline", silence_ends_at_the_deadline),
    ("descriptors_are_checked_on_receipt", descriptors_are_checked),
];

type Ring = spsc::Ring<[u8]>;

fn ring() -> Ring {
    Ring::anonymous(&Options::bytes(4096)).expect("a ring")
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn pair() -> (UnixStream, UnixStream) {
    UnixStream::pair().expect("a pair")
}

fn both_sides_admit() {
    let (server, client) = pair();
    thread::scope(|scope| {
        let asked = scope.spawn(move || Ring::receive(&client, |_| true, soon()));
        let error = ring().serve(&server, |_| false, soon()).expect_err("not admitted");
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        let error = asked.join().expect("no panic").expect_err("not admitted");
        assert!(error.to_string().contains("does not admit"), "{error}");
    });
    let (_server, client) = pair();
    let error = Ring::receive(&client, |_| false, soon()).expect_err("not admitted");
    let Error::Refused { peer, .. } = error else { panic!("{error}") };
    assert_eq!((peer.pid, peer.is_same_user()), (std::process::id(), true));
}

fn other_messages_are_refused() {
    fn refused<R: Send>(ask: impl FnOnce(&UnixStream) -> Result<R, Error> + Send) -> String {
        let (server, client) = pair();
        thread::scope(|scope| {
            let asked = scope.spawn(move || ask(&client).err().expect("another ring").to_string());
            let error = ring().serve(&server, Peer::is_same_user, soon()).expect_err("another ring");
            assert!(matches!(error, Error::Refused { .. }), "{error}");
            asked.join().expect("no panic")
        })
    }
    let told = refused(|socket| mpmc::Ring::<[u8]>::receive(socket, |_| true, soon()));
    assert!(told.contains("its ring is of spsc messages of bytes") && told.contains("mpmc"), "{told}");
    let told = refused(|socket| spsc::Ring::<u64>::receive(socket, |_| true, soon()));
    assert!(told.contains("8 bytes aligned to 8"), "{told}");
}

/// What a client says that keeps to the handshake.
fn hello() -> [u8; 40] {
    let (mut server, client) = pair();
    let asked = thread::spawn(move || Ring::receive(&client, |_| true, soon()).map(drop));
    let mut hello = [0; 40];
    server.read_exact(&mut hello).expect("a hello");
    drop(server);
    let error = asked.join().expect("no panic").expect_err("no reply came");
    assert!(matches!(error, Error::Handshake { .. } | Error::Io { .. }), "{error}");
    hello
}

fn something_else_is_an_error() {
    let whole = hello();
    // Each byte of a hello matters.
    for at in 0..whole.len() {
        let (server, mut client) = pair();
        let mut spoilt = whole;
        spoilt[at] ^= 0x80;
        client.write_all(&spoilt).expect("sent");
        let error = ring().serve(&server, |_| true, soon());
        // The status of a hello means nothing, so it may be any that there is.
        let error = error.err().unwrap_or_else(|| panic!("byte {at}"));
        assert!(matches!(error, Error::Handshake { .. } | Error::Refused { .. }), "byte {at}: {error}");
    }
    for kept in 0..whole.len() {
        let (server, mut client) = pair();
        client.write_all(&whole[..kept]).expect("sent");
        drop(client);
        let error = ring().serve(&server, |_| true, soon()).expect_err("cut off");
        assert!(matches!(error, Error::Handshake { .. } | Error::Io { .. }), "{kept} bytes: {error}");
    }
    // A server that says anything.
    for byte in [0_u8, 1, 0x7f, 0xff] {
        let (mut server, client) = pair();
        server.write_all(&[byte; 400]).expect("sent");
        let error = Ring::receive(&client, |_| true, soon()).expect_err("no reply");
        assert!(matches!(error, Error::Handshake { .. }), "{error}");
    }
}

fn silence_ends_at_the_deadline() {
    let late = |error: Error| match error {
        Error::Io { source, .. } => assert_eq!(source.kind(), ErrorKind::TimedOut),
        error => panic!("{error}"),
    };
    let at_once = || Deadline::after(Duration::from_millis(20));
    let (server, client) = pair();
    late(ring().serve(&server, |_| true, at_once()).expect_err("nobody speaks"));
    late(Ring::receive(&client, |_| true, at_once()).expect_err("nobody speaks"));
    // One that speaks on and on, a byte at a time, is given up as well.
    let (server, mut client) = pair();
    let slow = thread::spawn(move || {
        for byte in hello() {
            thread::sleep(Duration::from_millis(50));
            if client.write_all(&[byte]).is_err() {
                return;
            }
        }
    });
    late(ring().serve(&server, |_| true, Deadline::after(Duration::from_millis(200))).expect_err("too slow"));
    drop(server);
    slow.join().expect("no panic");
}

fn descriptors_are_checked() {
    // A server that keeps to the handshake, but for what it gives: the reply of a real one with the
    // descriptor of something else.
    let (server, client) = pair();
    let real = ring();
    let reply = thread::scope(|scope| {
        let served = scope.spawn(|| real.serve(&server, |_| true, soon()).err());
        let mut client = &client;
        client.write_all(&hello()).expect("sent");
        let mut reply = [0; 40];
        client.read_exact(&mut reply).expect("a reply");
        client.shutdown(std::net::Shutdown::Both).expect("shut");
        assert!(served.join().expect("no panic").is_some(), "it has not heard that all is well");
        reply
    });
    let (mut server, client) = pair();
    server.write_all(&reply).expect("sent");
    let error = Ring::receive(&client, |_| true, soon()).expect_err("without a descriptor");
    assert!(error.to_string().contains("without a descriptor"), "{error}");

    let other = spsc::Ring::<u64>::anonymous(&Options::messages(8)).expect("a ring");
    let null = std::fs::File::open("/dev/null").expect("it");
    for (fds, told) in [
        (vec![number_of(&null)], "the file's type"),
        (vec![number_of(&other)], "another ring with it"),
        (vec![number_of(&real), number_of(&real)], "descriptors"),
    ] {
        let (server, client) = pair();
        send_with(&server, &reply, &fds).expect("sent");
        let error = Ring::receive(&client, |_| true, soon()).expect_err(told);
        assert!(error.to_string().contains(told), "{told}: {error}");
    }
    let (server, client) = pair();
    send_with(&server, &reply, &[number_of(&real)]).expect("sent");
    Ring::receive(&client, |_| true, soon()).expect("the real one");
}

fn number_of(of: &impl std::os::fd::AsFd) -> i32 {
    use std::os::fd::AsRawFd;
    of.as_fd().as_raw_fd()
}
