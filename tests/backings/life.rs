//! How long each kind of memory lives, who finds it, and what becomes of it after a restart.

use std::{
    fs,
    os::unix::fs::{FileExt, PermissionsExt},
    path::Path,
    process::Command,
};

use ironring::{Error, HugePages, Options, Salvaged, mpmc, spsc::Ring};
use ironring_testkit::{Args, Role};

use crate::{
    Tests,
    support::{
        layout::{AT_CHECKSUM, fnv1a},
        shared_memory,
    },
};

pub(crate) const TESTS: Tests = &[
    ("segment_has_a_key_until_it_is_removed_and_lives_until_the_last_detaches", segments_live),
    ("segment_whose_companion_is_another_file_is_refused", companions_are_checked),
    ("segment_without_a_companion_is_refused", missing_companion_is_told),
    ("segments_that_cannot_be_are_refused", impossible_segments_are_told),
    ("segment_has_huge_pages_as_wished", segments_have_huge_pages),
    ("names_of_shm_open_are_files_in_dev_shm", shm_names),
    ("program_that_is_started_inherits_a_ring_and_no_other_does", programs_inherit),
    ("ring_of_another_boot_is_refused_and_salvaged_on_request", salvage),
    ("spoilt_ring_of_another_boot_stays_refused", spoilt_is_not_salvaged),
    ("ring_of_another_boot_that_is_used_is_not_salvaged", used_is_not_salvaged),
    ("callers_memory_must_be_as_it_was_promised", callers_memory),
];

fn options() -> Options {
    Options::bytes(4096)
}

/// The lines of the kernel's list of segments that have this key.
fn segments(key: u32) -> Vec<String> {
    let list = fs::read_to_string("/proc/sysvipc/shm").expect("a list");
    let key = key.cast_signed().to_string();
    list.lines().filter(|line| line.split_whitespace().next() == Some(&key)).map(str::to_owned).collect()
}

fn id_of(key: u32) -> String {
    segments(key)[0].split_whitespace().nth(1).expect("an id").to_owned()
}

fn segments_live() {
    let key = 0x1205_0000 | std::process::id() & 0xffff;
    let name = format!("sysv:{key:#x}");
    let error = Ring::<[u8]>::open(&name).expect_err("none yet");
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    let ring = Ring::<[u8]>::create(&name, &options().mode(0o640)).expect("a ring");
    let error = Ring::<[u8]>::create(&name, &options()).expect_err("there");
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
    let listed = segments(key);
    assert!(listed.len() == 1 && listed[0].split_whitespace().nth(2) == Some("640"), "{listed:?}");
    let id = id_of(key);
    let companion = format!("/dev/shm/ironring-sysv-{id}");
    assert_eq!(fs::metadata(&companion).expect("a companion").permissions().mode() & 0o777, 0o640);

    let mut producer = ring.producer().expect("one");
    producer.send(b"by id").expect("sent");
    let by_id = Ring::<[u8]>::open(format!("sysv-id:{id}")).expect("the same ring");
    assert_eq!(by_id.consumer().expect("one").recv().expect("it").to_vec(), b"by id");
    assert!(by_id.producer().is_err(), "there is one producer, by whichever name");

    ironring::remove(&name).expect("removed");
    assert!(segments(key).is_empty() && !Path::new(&companion).exists());
    assert!(producer.is_retired() && matches!(Ring::<[u8]>::open(&name), Err(Error::NotFound { .. })));
    let again = Ring::<[u8]>::create(&name, &options()).expect("the key is free");
    producer.send(b"still").expect("those who have it keep it");
    assert_eq!(ring.consumer().expect("one").recv().expect("it").to_vec(), b"still");
    assert!(again.consumer().expect("one").try_recv().is_err(), "another ring");
    let list = || fs::read_to_string("/proc/sysvipc/shm").expect("a list");
    let has_old = || list().lines().any(|line| line.split_whitespace().nth(1) == Some(&id));
    assert!(has_old(), "it lives as long as somebody has it");
    drop((ring, by_id, producer));
    assert!(!has_old(), "and no longer");
    ironring::remove(&name).expect("removed");
}

fn companions_are_checked() {
    let key = 0x1206_0000 | std::process::id() & 0xffff;
    let name = format!("sysv:{key:#x}");
    let ring = Ring::<[u8]>::create(&name, &options()).expect("a ring");
    let companion = format!("/dev/shm/ironring-sysv-{}", id_of(key));
    let kept = format!("{companion}-kept");
    fs::rename(&companion, &kept).expect("renamed");
    fs::write(&companion, "").expect("another file");
    let error = Ring::<[u8]>::open(&name).expect_err("locks on another file are no locks");
    assert!(matches!(error, Error::Invalid { field: "lock_inode", .. }), "{error}");
    fs::rename(&kept, &companion).expect("renamed back");
    Ring::<[u8]>::open(&name).expect("the ring again");
    drop(ring);
    ironring::remove(&name).expect("removed");
}

fn missing_companion_is_told() {
    let key = 0x1207_0000 | std::process::id() & 0xffff;
    let name = format!("sysv:{key:#x}");
    let ring = Ring::<[u8]>::create(&name, &options()).expect("a ring");
    let id = id_of(key);
    fs::remove_file(format!("/dev/shm/ironring-sysv-{id}")).expect("removed");
    let error = Ring::<[u8]>::open(&name).expect_err("nothing to lock");
    assert!(matches!(error, Error::Invalid { field: "the segment's companion file", .. }), "{error}");
    assert!(error.to_string().contains("ipcrm -m"), "{error}");
    drop(ring);
    assert!(Command::new("ipcrm").args(["-m", &id]).status().expect("ipcrm").success());
    for name in [name, format!("sysv-id:{id}"), "sysv-id:2147483647".into()] {
        let error = Ring::<[u8]>::open(&name).expect_err("no segment");
        assert!(matches!(&error, Error::NotFound { path } if path == Path::new(&name)), "{error}");
    }
}

fn impossible_segments_are_told() {
    for (name, expected) in [("sysv-id:7", "sysv:KEY for a new segment"), ("sysv:0", "a key that is not 0")] {
        let error = Ring::<[u8]>::create(name, &options()).expect_err("no such segment");
        assert!(matches!(error, Error::Options { option: "the name", .. }), "{error}");
        assert!(error.to_string().contains(expected) && error.to_string().contains(name), "{error}");
    }
    let key = 0x1208_0000 | std::process::id() & 0xffff;
    let name = format!("sysv:{key:#x}");
    let ring = Ring::<[u8]>::create(&name, &options()).expect("a ring");
    // There is no descriptor that would give its memory to another process.
    let error = ring.pass_to(&mut Command::new("true"), "RING").expect_err("no file");
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("a file or a memfd"), "{error}");
    ironring::remove(&name).expect("removed");
}

fn segments_have_huge_pages() {
    let key = 0x1209_0000 | std::process::id() & 0xffff;
    let name = format!("sysv:{key:#x}");
    for (wished, possible) in [
        (HugePages::Never, &["small, huge ones refused"][..]),
        (HugePages::Prefer, &["huge, of ", "small, no huge ones"]),
        (HugePages::Require, &["huge, of "]),
    ] {
        match Ring::<[u8]>::create(&name, &options().huge_pages(wished)) {
            Ok(ring) => {
                let pages = ring.placement().pages.to_string();
                assert!(possible.iter().any(|text| pages.starts_with(text)), "{wished:?}: {pages}");
                ring.producer().expect("one").send(b"it").expect("room");
                let error = Ring::<[u8]>::create(&name, &options().huge_pages(wished)).expect_err("there");
                assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
                ironring::remove(&name).expect("removed");
            }
            Err(error) => {
                assert!(
                    matches!(error, Error::NoHugePages { .. }) && wished == HugePages::Require,
                    "{error}"
                );
                assert!(error.to_string().contains("vm.nr_hugepages"), "{error}");
            }
        }
        assert!(segments(key).is_empty(), "nothing is left of it");
    }
}

fn shm_names() {
    let name = format!("ironring-test-names-{}", std::process::id());
    let path = Path::new("/dev/shm").join(&name);
    let ring = Ring::<[u8]>::create(format!("shm:/{name}"), &options()).expect("a ring");
    assert!(path.exists() && ring.path().as_deref() == Some(&path));
    Ring::<[u8]>::open(format!("shm:{name}")).expect("the same");
    ironring::remove(format!("shm:{name}")).expect("removed");
    assert!(!path.exists() && ring.is_retired());
}

/// Role: is given a ring in a variable.
pub(crate) fn inherit(_args: Args) {
    let ring = Ring::<[u8]>::inherited("TEST_RING").expect("a ring");
    ring.producer().expect("one").send(b"inherited").expect("sent");
    let missing = Ring::<[u8]>::inherited("TEST_NO_RING").expect_err("none");
    assert!(matches!(missing, Error::NotInherited { .. }), "{missing}");
    // And no further.
    let number = std::env::var("TEST_RING").expect("it");
    let ended = Command::new("sh").args(["-c", &format!("test ! -e /proc/self/fd/{number}")]).status();
    assert!(ended.expect("a shell").success());
}

fn programs_inherit() {
    let ring = Ring::<[u8]>::anonymous(&options()).expect("a ring");
    let mut consumer = ring.consumer().expect("one");
    consumer.set_when_alone(ironring::WhenAlone::Wait);
    let mut command = Command::new("sh");
    command.args(["-c", "test -e /proc/self/fd/$TEST_RING && exec 9<&0"]);
    ring.pass_to(&mut command, "TEST_RING").expect("passed");
    assert!(command.status().expect("a shell").success());

    // A program of its own: this one, in a role.
    let passed = ring.clone();
    let mut child = Role::new("inherit")
        .prepare(move |command| passed.pass_to(command, "TEST_RING").map_err(std::io::Error::other))
        .spawn()
        .expect("a child");
    assert_eq!(consumer.recv().expect("it").to_vec(), b"inherited");
    assert!(child.wait().success());
}

/// Has the file of a ring look as if the machine had been restarted since.
pub(crate) fn restart(path: &Path) {
    let file = fs::File::options().read(true).write(true).open(path).expect("the file");
    let mut identity = [0; AT_CHECKSUM];
    file.read_exact_at(&mut identity, 0).expect("an identity");
    identity[112] ^= 1;
    file.write_all_at(&identity[112..128], 112).expect("written");
    let checksum = fnv1a(identity[8..].iter().copied());
    file.write_all_at(&checksum.to_le_bytes(), AT_CHECKSUM as u64).expect("written");
}

fn salvage() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("stream");
    {
        let ring = Ring::<[u8]>::create(&path, &options()).expect("a ring");
        let mut producer = ring.producer().expect("one");
        producer.send_batch(["held", "waits"]).1.expect("room");
        let mut consumer = ring.consumer().expect("one");
        std::mem::forget(consumer.recv().expect("it"));
        ring.flush().expect("on disk");
    }
    assert!(matches!(ironring::salvage(&path).expect("looked at"), Salvaged::OfThisBoot));
    restart(&path);
    let error = Ring::<[u8]>::open(&path).expect_err("another boot");
    assert!(matches!(error, Error::Invalid { field: "boot_id", .. }), "{error}");
    assert!(error.to_string().contains("ironring salvage"), "{error}");
    assert!(matches!(ironring::salvage(&path).expect("salvaged"), Salvaged::Whole));
    let mut consumer = Ring::<[u8]>::open(&path).expect("usable").consumer().expect("one");
    let first = consumer.recv().expect("it");
    assert_eq!((first.to_vec(), first.is_redelivered()), (b"held".to_vec(), true));
    drop(first);
    assert_eq!(consumer.recv().expect("it").to_vec(), b"waits");

    let path = dir.path().join("exchange");
    let exchange = mpmc::Ring::<[u8]>::create(&path, &Options::messages(8).max_message(64)).expect("a ring");
    exchange.producer().expect("one").send(b"kept").expect("sent");
    drop(exchange);
    restart(&path);
    let busy = fs::File::options().read(true).write(true).open(&path).expect("it");
    assert!(matches!(ironring::salvage(&path).expect("salvaged"), Salvaged::Whole));
    drop(busy);
    let exchange = mpmc::Ring::<[u8]>::open(&path).expect("usable");
    assert_eq!(exchange.consumer().expect("one").recv().expect("it").to_vec(), b"kept");
}

fn spoilt_is_not_salvaged() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("ring");
    let ring = Ring::<[u8]>::create(&path, &options()).expect("a ring");
    ring.producer().expect("one").send(b"torn").expect("sent");
    drop(ring);
    restart(&path);
    let file = fs::File::options().write(true).open(&path).expect("it");
    // As if the page with the cursor had been written, and the one with the message not.
    file.write_all_at(&[0x55; 16], 4096).expect("written");
    let Salvaged::Spoilt(report) = ironring::salvage(&path).expect("looked at") else { panic!("not whole") };
    assert!(!report.findings().is_empty());
    assert!(matches!(Ring::<[u8]>::open(&path), Err(Error::Invalid { field: "boot_id", .. })));
}

/// As where a copy of its file took the place of a ring that somebody uses.
fn used_is_not_salvaged() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("ring");
    let ring = Ring::<[u8]>::create(&path, &options()).expect("a ring");
    let producer = ring.producer().expect("one");
    restart(&path);
    let error = ironring::salvage(&path).expect_err("in use");
    assert!(matches!(error, Error::Busy { role: ironring::Role::Producer, .. }), "{error}");
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    drop(producer);
    assert!(matches!(ironring::salvage(&path).expect("salvaged"), Salvaged::Whole));
}

fn callers_memory() {
    let dir = shared_memory();
    let lock = dir.path().join("lock");
    let len = Ring::<[u8]>::len_of(&options()).expect("a length");
    let map =
        memmap2::MmapOptions::new().len(len + 4096).map_anon().expect("memory").make_read_only().expect("it");
    let base = std::ptr::NonNull::new(map.as_ptr().cast_mut()).expect("not at zero");
    let memory = |offset: usize, len| {
        // SAFETY: within the mapping; used for its address only, since each of these is refused.
        std::ptr::NonNull::slice_from_raw_parts(unsafe { base.add(offset) }, len)
    };
    for wrong in [memory(8, len), memory(0, len - 8), memory(0, len + 4096)] {
        // SAFETY: refused before it is touched.
        let error = unsafe { Ring::<[u8]>::create_in(wrong, &lock, &options()) }.expect_err("refused");
        assert!(matches!(error, Error::Options { option: "memory", .. }), "{error}");
    }
    for wished in [options().huge_pages(HugePages::Prefer), options().node(0)] {
        // SAFETY: as above.
        let error = unsafe { Ring::<[u8]>::create_in(memory(0, len), &lock, &wished) }.expect_err("refused");
        assert!(matches!(error, Error::Options { option: "huge_pages and node", .. }), "{error}");
    }
    fs::write(&lock, "").expect("a file");
    // SAFETY: as above.
    let error = unsafe { Ring::<[u8]>::create_in(memory(0, len), &lock, &options()) }.expect_err("refused");
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
}
