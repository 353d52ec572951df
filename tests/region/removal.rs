//! Removing a name: its holders learn it, and a new ring of that name is another one.

use std::{fs::File, os::unix::fs::MetadataExt, path::Path, sync::atomic::Ordering::Relaxed, time::Duration};

use ironring::{Error, Options, RecvError, SendError, spsc::Ring};
use ironring_testkit::{Args, Role};

use crate::{
    Tests,
    support::{layout::AT_RETIRED, raw::Raw, shared_memory},
};

pub(crate) const TESTS: Tests = &[
    ("live_ring_is_never_made_over", live_ring_is_never_made_over),
    ("removed_ring_stays_with_its_holders_who_learn_it", removed_ring_stays_with_its_holders),
    ("new_ring_of_the_same_name_is_another_one", new_ring_of_the_same_name_is_another),
    ("blocked_receiver_drains_and_then_learns_the_removal", blocked_receiver_learns),
    ("blocked_sender_learns_the_removal", blocked_sender_learns),
    ("other_process_learns_the_removal", other_process_learns),
    ("interrupted_removal_is_got_past", interrupted_removal_is_got_past),
    ("removal_at_work_is_not_disturbed", removal_at_work_is_not_disturbed),
    ("spoilt_ring_can_be_removed", spoilt_ring_can_be_removed),
];

/// Reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn create(path: &Path) -> Ring<[u8]> {
    Ring::create(path, &Options::bytes(256)).expect("a ring")
}

fn names(dir: &Path) -> usize {
    dir.read_dir().expect("a directory").count()
}

fn live_ring_is_never_made_over() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = create(&path);
    ring.producer().expect("it").try_send(b"precious").expect("room");
    for options in [Options::bytes(256), Options::bytes(64), Options::bytes(1 << 20)] {
        let error = Ring::<[u8]>::create(&path, &options).expect_err("it is there");
        assert!(matches!(&error, Error::AlreadyExists { path: told } if *told == path), "{error}");
        let _ = Ring::<[u8]>::open_or_create(&path, &options);
        assert_eq!(path.metadata().expect("it").len(), 4096 + 256);
    }
    assert!(!ring.is_retired());
    assert_eq!(ring.consumer().expect("it").try_recv().expect("it").to_vec(), b"precious");
    assert_eq!(names(dir.path()), 1, "no draft is left");
}

fn removed_ring_stays_with_its_holders() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = create(&path);
    let (mut producer, mut consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
    assert!(!ring.is_retired() && !producer.is_retired() && !consumer.is_retired());
    producer.try_send(b"before").expect("room");
    ironring::remove(&path).expect("removed");
    assert!(ring.is_retired() && producer.is_retired() && consumer.is_retired());
    assert_eq!(names(dir.path()), 0);
    producer.try_send(b"after").expect("room");
    for expected in ["before", "after"] {
        assert_eq!(consumer.try_recv().expect("it").to_vec(), expected.as_bytes());
    }
    // Whoever holds the ring may still attach.
    drop((producer, consumer));
    ring.producer().expect("it").try_send(b"later").expect("room");
    assert_eq!(ring.consumer().expect("it").recv().expect("it").to_vec(), b"later");
    assert!(matches!(ironring::remove(&path), Err(Error::NotFound { .. })));
    assert!(matches!(Ring::<[u8]>::open(&path), Err(Error::NotFound { .. })));
}

fn new_ring_of_the_same_name_is_another() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let old = create(&path);
    old.producer().expect("it").try_send(b"to the old one").expect("room");
    ironring::remove(&path).expect("removed");
    let new = create(&path);
    assert!(old.is_retired() && !new.is_retired());
    assert!(new.consumer().expect("it").is_empty());
    new.producer().expect("it").try_send(b"to the new one").expect("room");
    assert_eq!(old.consumer().expect("it").try_recv().expect("it").to_vec(), b"to the old one");
    let same = Ring::<[u8]>::open(&path).expect("the new one");
    assert_eq!(same.consumer().expect("it").try_recv().expect("it").to_vec(), b"to the new one");
}

fn blocked_receiver_learns() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    // At once, and when the receiver has waited for so long that it asks for the removal.
    for pause in [0, 0, 0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17] {
        let ring = create(&path);
        receive_until_removed(&ring, &path, Duration::from_millis(pause));
        receive_otherwise(&ring);
    }
}

fn receive_until_removed(ring: &Ring<[u8]>, path: &Path, pause: Duration) {
    let (mut producer, mut consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
    std::thread::scope(|scope| {
        let receiver = scope.spawn(move || {
            let mut got = Vec::new();
            loop {
                match consumer.recv_by(PATIENCE) {
                    Ok(message) => got.push(message.to_vec()),
                    Err(error) => return (got, error),
                }
            }
        });
        std::thread::sleep(pause);
        assert_eq!(producer.send_batch(["one", "two"]), (2, Ok(())));
        ironring::remove(path).expect("removed");
        let (got, error) = receiver.join().expect("the receiver");
        assert_eq!(got, [b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(error, RecvError::Retired);
    });
}

/// The other receiving calls in a retired ring, each with one message in it.
fn receive_otherwise(ring: &Ring<[u8]>) {
    let mut producer = ring.producer().expect("it");
    let mut buf = [0; 8];
    for call in 0..2 {
        producer.try_send(b"three").expect("room");
        let mut consumer = ring.consumer().expect("it");
        let then = if call == 0 {
            assert_eq!(consumer.recv_into_by(&mut buf, PATIENCE), Ok(5));
            consumer.recv_into_by(&mut buf, PATIENCE).err()
        } else {
            let mut batch = consumer.recv_batch_by(9, PATIENCE).expect("the message");
            assert_eq!(batch.next().map(|view| view.len()), Some(5));
            drop(batch);
            consumer.recv_batch_by(9, PATIENCE).map(drop).err()
        };
        assert_eq!(then, Some(RecvError::Retired));
    }
}

fn blocked_sender_learns() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = create(&path);
    let mut producer = ring.producer().expect("it");
    while producer.try_send(b"12345678").is_ok() {}
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let sent = producer.send_by(b"12345678", PATIENCE);
            (sent, producer.claim_by(8, PATIENCE).map(drop).err())
        });
        ironring::remove(&path).expect("removed");
        let (sent, claimed) = sender.join().expect("the sender");
        assert_eq!((sent, claimed), (Err(SendError::Retired), Some(SendError::Retired)));
    });
    ring.consumer().expect("it").try_recv().expect("it").release();
    producer.send(b"12345678").expect("there is room, so it need not wait");
}

/// Role: sends back what it receives until the rings are removed.
pub(crate) fn echo_until_retired(mut args: Args) {
    let there: String = args.parse("where to receive");
    let back: String = args.parse("where to send");
    let (there, back) =
        (Ring::<[u8]>::open(there).expect("a ring"), Ring::<[u8]>::open(back).expect("a ring"));
    let mut consumer = there.consumer().expect("it");
    let mut producer = back.producer().expect("it");
    loop {
        match consumer.recv() {
            Ok(message) => producer.send(&message.to_vec()).expect("sent"),
            Err(error) => {
                assert_eq!(error, RecvError::Retired);
                assert!(there.is_retired() && !back.is_retired());
                return;
            }
        }
    }
}

fn other_process_learns() {
    let dir = shared_memory();
    let (there, back) = (dir.path().join("there"), dir.path().join("back"));
    let (to, from) = (create(&there), create(&back));
    let role = Role::new("echo-until-retired").arg(there.display()).arg(back.display());
    let mut child = role.spawn().expect("a child");
    let (mut producer, mut consumer) = (to.producer().expect("it"), from.consumer().expect("it"));
    producer.send(b"there and back").expect("sent");
    assert_eq!(consumer.recv().expect("it").to_vec(), b"there and back");
    ironring::remove(&there).expect("removed");
    assert!(child.wait().success(), "it waited, and learnt");
}

/// Leaves the ring at `path` as a remover does that is killed between its two steps.
fn half_removed(path: &Path) -> Ring<[u8]> {
    let ring = create(path);
    ring.producer().expect("it").try_send(b"old").expect("room");
    Raw::open(path).word(AT_RETIRED).store(1, Relaxed);
    ring
}

fn interrupted_removal_is_got_past() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let options = Options::bytes(256);

    let old = half_removed(&path);
    assert!(matches!(Ring::<[u8]>::open(&path), Err(Error::NotFound { .. })));
    assert!(old.is_retired());
    assert_eq!(names(dir.path()), 0, "who opens finishes the removal");

    let old = half_removed(&path);
    let new = Ring::<[u8]>::create(&path, &options).expect("the name is free, in effect");
    assert!(old.is_retired() && !new.is_retired() && new.consumer().expect("it").is_empty());
    ironring::remove(&path).expect("removed");

    half_removed(&path);
    let new = Ring::<[u8]>::open_or_create(&path, &options).expect("a new ring");
    assert!(!new.is_retired() && new.consumer().expect("it").is_empty());
    ironring::remove(&path).expect("removed");

    half_removed(&path);
    assert!(matches!(ironring::remove(&path), Err(Error::NotFound { .. })), "another one removed it");
    assert_eq!(names(dir.path()), 0);
}

fn removal_at_work_is_not_disturbed() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = half_removed(&path);
    // A remover that is alive has byte 0 locked.
    let remover = File::options().read(true).write(true).open(&path).expect("the file");
    lock_first_byte(&remover);
    std::thread::scope(|scope| {
        let opener = scope.spawn(|| Ring::<[u8]>::open(&path).map(drop));
        let maker =
            scope.spawn(|| Ring::<[u8]>::create(&path, &Options::bytes(64)).map(|ring| ring.capacity()));
        // Whether they look before or after this, they do not take the name away
        // themselves: if they did, this would fail.
        std::thread::sleep(Duration::from_millis(20));
        let named = path.metadata().map(|found| found.ino()).ok();
        assert_eq!(named, remover.metadata().map(|found| found.ino()).ok(), "the name was taken away");
        std::fs::remove_file(&path).expect("the name is still there");
        drop(remover);
        let opened = opener.join().expect("the opener");
        assert!(matches!(opened, Ok(()) | Err(Error::NotFound { .. })), "{opened:?}");
        assert_eq!(maker.join().expect("the maker").expect("a ring"), 64);
    });
    assert_eq!(ring.consumer().expect("it").try_recv().expect("it").to_vec(), b"old");
}

fn lock_first_byte(file: &File) {
    use std::os::fd::AsRawFd;
    // SAFETY: plain integers, for which zero is a value: the first byte, with length 1.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = libc::F_WRLCK as libc::c_short;
    range.l_len = 1;
    // SAFETY: the descriptor is open, and `range` may be read.
    let locked = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut range) };
    assert_eq!(locked, 0, "{}", std::io::Error::last_os_error());
}

fn spoilt_ring_can_be_removed() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = create(&path);
    Raw::open(&path).set(8, &[0xff; 240]);
    assert!(matches!(Ring::<[u8]>::open(&path), Err(Error::Invalid { .. })));
    ironring::remove(&path).expect("it has the magic");
    assert!(ring.is_retired());
    create(&path);
}
