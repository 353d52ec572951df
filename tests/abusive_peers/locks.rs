//! One that locks what is not its own in the ring's file.

use std::{fs::File, os::fd::AsRawFd, path::Path, thread, time::Duration};

use ironring::{Error, Ring, State, mpmc::Mpmc, spsc, spsc::Spsc};
use ironring_testkit::{Args, Child, roles::RoleFn};

use crate::{
    account::{Book, DONE, HAD, MARKED, REFUSED, SENT, message},
    crowd::{Crowd, Crowded},
    hoard::{Keeps, hoarder},
    honest::{TICK, receive_one},
    support::{forks::idle, layout::HEADER_LEN},
    trials::Tests,
};

pub(crate) const ROLES: &[(&str, RoleFn)] = &[("spsc::lock", lock), ("mpmc::lock", lock)];

pub(crate) const TESTS: Tests = &[
    ("spsc: who locks the whole file keeps others out, until it ends", || whole_file::<Spsc>(two_are_shown)),
    ("mpmc: who locks the whole file keeps others out, until it ends", || whole_file::<Mpmc>(none_is_shown)),
    ("spsc: who locks what it can disturbs none that is there", every_byte::<Spsc>),
    ("mpmc: who locks what it can disturbs none that is there", every_byte::<Mpmc>),
    ("mpmc: a lock on a dead one's record holds up what it held, and no more", record_of_the_dead),
];

/// Role: locks the whole file at once, or each byte of its first pages that nobody else has locked.
fn lock(mut args: Args) {
    let book = Book::given(&mut args);
    let path: String = args.parse("path");
    let file = File::options().read(true).write(true).open(path).expect("the file");
    if args.parse("whole") {
        assert!(is_given(&file, 0, 0), "the whole file");
        book.add(HAD, 1);
    } else {
        let end = file.metadata().expect("a file").len().min(4 * HEADER_LEN as u64);
        for at in 0..end {
            book.add(if is_given(&file, at, 1) { HAD } else { REFUSED }, 1);
        }
    }
    book.add(DONE, 1);
    idle();
}

fn is_given(file: &File, start: u64, len: u64) -> bool {
    // SAFETY: `flock` is plain integers, for which zero is a value.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = libc::F_WRLCK as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    range.l_start = start as libc::off_t;
    range.l_len = len as libc::off_t;
    // SAFETY: the descriptor is open, and `range` a valid `flock` that the call may read and write.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut range) == 0 }
}

fn locker<A: Crowded>(crowd: &mut Crowd<A>, whole: bool) -> Child {
    let child = crowd.role("lock").arg(whole).spawn().expect("a process");
    crowd.until("locked", |book| book.get(DONE) == 1);
    child
}

fn must_be_kept_out<A: Crowded>(ring: &Ring<u64, A>) {
    for refused in [ring.producer().err(), ring.consumer().err()] {
        let is_kept_out = match &refused {
            Some(Error::Busy { .. }) => A::HAS_ROLES,
            Some(Error::NoPlace { .. }) => !A::HAS_ROLES,
            _ => false,
        };
        assert!(is_kept_out, "{refused:?}");
    }
}

/// Of a stream the lock alone is looked at, and that nobody has said who it is.
fn two_are_shown(path: &Path) {
    let ring = spsc::Ring::<u64>::open(path).expect("a ring");
    for role in [ironring::Role::Producer, ironring::Role::Consumer] {
        let shown = ring.presence(role).expect("it is asked");
        assert_eq!((shown.state, shown.holder.pid), (State::Attached, 0), "{shown:?}");
    }
    assert!(matches!(ring.producer(), Err(Error::Busy { holder, .. }) if holder.pid == 0));
}

fn none_is_shown(path: &Path) {
    let ring = ironring::mpmc::Ring::<u64>::open(path).expect("a ring");
    for status in ring.participants().expect("a whole ring") {
        assert_ne!(status.presence.state, State::Attached, "{status:?}");
    }
}

fn whole_file<A: Keeps>(shown: fn(&Path)) {
    let mut crowd = Crowd::<A>::new(A::HONEST);
    // Somebody was there before, and is not taken for who is there now.
    drop(crate::honest::ends(&crowd.ring));
    let mut abuser = locker(&mut crowd, true);
    must_be_kept_out(&crowd.ring);
    shown(&crowd.path);
    // Who removes the ring waits for the lock.
    let path = crowd.path.clone();
    let removal = thread::spawn(move || ironring::remove(path));
    thread::sleep(5 * TICK);
    assert!(!removal.is_finished() && !crowd.ring.is_retired());
    abuser.kill();
    removal.join().expect("it ends").expect("a removal");
    assert!(crowd.ring.is_retired());
    // Who has opened it before may still use it.
    drop(crate::honest::ends(&crowd.ring));
}

fn every_byte<A: Crowded>() {
    let mut crowd = Crowd::<A>::new(A::HONEST + 2);
    crowd.gather(false);
    let mut abuser = locker(&mut crowd, false);
    assert_eq!(crowd.book.get(REFUSED), u64::from(A::HONEST), "a byte of each that is there");
    must_be_kept_out(&crowd.ring);
    crowd.until_more(300);
    abuser.kill();
    if !A::HAS_ROLES {
        let free: Vec<_> = (0..2).map(|_| crowd.ring.consumer().expect("a place")).collect();
        must_be_kept_out(&crowd.ring);
        drop(free);
    }
    crowd.until_more(100);
    crowd.end();
}

fn record_of_the_dead() {
    let mut crowd = Crowd::<Mpmc>::new(Mpmc::HONEST + 2);
    let mut producer = crowd.ring.producer().expect("a place");
    for number in 0..20 {
        producer.send(&message(0, number)).expect("room");
    }
    crowd.book.0.set(SENT, 20);
    let mut holder = hoarder(&mut crowd, [0, 1], (1, 3));
    // The place that is left for whoever looks.
    let mut consumer = crowd.ring.consumer().expect("a place");
    crowd.book.0.set(DONE, 0);
    holder.stop().expect("it lives");
    holder.kill();
    let mut abuser = locker(&mut crowd, false);
    let mut last = [None; 8];
    for _ in 0..17 {
        assert!(receive_one(&crowd.book, &mut consumer, &mut last));
    }
    thread::sleep(Duration::from_millis(50));
    assert!(!receive_one(&crowd.book, &mut consumer, &mut last), "what the dead one held is locked");
    assert_eq!(crowd.ring.recover().expect("a whole ring"), []);
    abuser.kill();
    crowd.until("what the dead one held", |book| {
        receive_one(book, &mut consumer, &mut last);
        book.get(MARKED) == 3
    });
    crowd.book.check();
    drop((producer, consumer));
    crowd.must_be_free();
}
