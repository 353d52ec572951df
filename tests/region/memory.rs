//! What memory a ring is made of: huge pages, populated, locked, bound to a node; what could not be
//! had is said.

use std::{ffi::CString, fs, os::unix::fs::PermissionsExt, path::Path};

use ironring::{Error, HugePages, Options, Pages, mpmc, spsc::Ring};
use ironring_testkit::{Args, Exit, Role};

use crate::{
    Tests,
    memfd::receive_from_child,
    support::{bytes, huge, shared_memory},
};

pub(crate) const TESTS: Tests = &[
    ("required_huge_pages_are_had_and_given_back", required_huge_pages),
    ("huge_pages_that_are_not_to_be_had_are_told", missing_huge_pages_are_told),
    ("preferred_huge_pages_fall_back_and_say_so", preferred_huge_pages),
    ("advised_huge_pages_are_counted", advised_huge_pages),
    ("files_on_a_hugetlbfs_are_rings_too", files_on_a_hugetlbfs),
    ("populated_rings_have_their_pages_at_once", populated_rings),
    ("locked_rings_are_locked_by_each_handle", locked_rings),
    ("memory_is_bound_to_its_node", bound_to_a_node),
];

const BYTES: u64 = 4 << 20;

fn anonymous(options: &Options) -> Result<Ring<[u8]>, Error> {
    Ring::anonymous(options)
}

fn require() -> Options {
    Options::bytes(BYTES).huge_pages(HugePages::Require)
}

fn required_huge_pages() {
    // Header and area, in pages of 2 MiB.
    let Some(_reserved) = huge::reserve(3 + 6) else { return };
    let free = huge::free();
    let ring = anonymous(&require()).expect("a ring");
    let Pages::Huge { size } = ring.placement().pages else { panic!("{:?}", ring.placement()) };
    assert_eq!(huge::free(), free - (BYTES + 4096).div_ceil(size));
    for _ in 0..3 {
        receive_from_child(&ring);
    }
    let maps = fs::read_to_string("/proc/self/smaps").expect("maps");
    assert!(maps.contains(&format!("KernelPageSize: {:>8} kB", size >> 10)), "{maps}");
    drop(ring);
    assert_eq!(huge::free(), free, "nothing is mapped any more");

    // Of a node, where the kernel knows any: allocated by another way.
    if Path::new("/proc/self/numa_maps").exists() {
        let ring = anonymous(&require().node(0)).expect("a ring");
        assert_eq!(huge::free(), free - (BYTES + 4096).div_ceil(size));
        receive_from_child(&ring);
        drop(ring);
        assert_eq!(huge::free(), free, "nothing is mapped any more");
    }

    let options = Options::messages(512).max_message(4096).huge_pages(HugePages::Require);
    let ring = mpmc::Ring::<[u8]>::anonymous(&options).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("one"), ring.consumer().expect("one"));
    for i in 0..2000 {
        producer.send(&bytes(4096, i)).expect("sent");
        assert_eq!(consumer.recv().expect("a message").to_vec(), bytes(4096, i));
    }
    drop((ring, producer, consumer));
    assert_eq!(huge::free(), free, "nothing is mapped any more");
}

fn missing_huge_pages_are_told() {
    let more = Options::bytes(64 << 30).huge_pages(HugePages::Require);
    let error = anonymous(&more).expect_err("too many");
    assert!(matches!(error, Error::NoHugePages { pages: 32769, size: 0x20_0000 }), "{error}");
    assert!(error.to_string().contains("sysctl vm.nr_hugepages"), "{error}");

    let dir = shared_memory();
    let error = Ring::<[u8]>::create(dir.path().join("ring"), &require()).expect_err("a tmpfs");
    assert!(matches!(error, Error::Options { option: "huge_pages", .. }), "{error}");
    assert!(error.to_string().contains("mount -t hugetlbfs"), "{error}");
    assert_eq!(dir.path().read_dir().expect("it").count(), 0);
}

fn preferred_huge_pages() {
    let prefer = Options::bytes(BYTES).huge_pages(HugePages::Prefer);
    let dir = shared_memory();
    let ring = Ring::<[u8]>::create(dir.path().join("ring"), &prefer).expect("a ring");
    assert!(matches!(ring.placement().pages, Pages::Advised { .. }), "{:?}", ring.placement());
    let pages = Ring::<[u8]>::open(dir.path().join("ring")).expect("it").placement().pages;
    assert_eq!(pages, ring.placement().pages, "who opens it learns the same");
    let never = Options::bytes(BYTES).huge_pages(HugePages::Never);
    assert_eq!(anonymous(&never).expect("a ring").placement().pages, Pages::Small);
    assert_eq!(anonymous(&Options::bytes(64)).expect("a ring").placement().pages, Pages::Ordinary);

    let Some(_reserved) = huge::reserve(3) else { return };
    let first = anonymous(&prefer).expect("a ring");
    assert!(matches!(first.placement().pages, Pages::Huge { .. }), "{:?}", first.placement());
    let taken: Vec<_> = std::iter::repeat_with(|| anonymous(&require())).take_while(Result::is_ok).collect();
    let second = anonymous(&prefer).expect("a ring, though there are no such pages left");
    assert!(matches!(second.placement().pages, Pages::Advised { .. }), "{:?}", second.placement());
    receive_from_child(&second);
    drop(taken);
}

fn advised_huge_pages() {
    let Some(_advised) = huge::advise() else { return };
    // With reserved ones it would not come to advice.
    if huge::free() > 0 {
        eprintln!("SKIPPED: huge pages are reserved on this machine");
        return;
    }
    let ring = anonymous(&Options::bytes(16 << 20).huge_pages(HugePages::Prefer)).expect("a ring");
    let Pages::Advised { huge } = ring.placement().pages else { panic!("{:?}", ring.placement()) };
    assert!((8 << 20..=18 << 20).contains(&huge), "{huge} bytes");
    receive_from_child(&ring);
}

/// How a role ends where it may not mount anything.
const MAY_NOT_MOUNT: i32 = 77;

/// Role: makes rings on a hugetlbfs of its own, and has another process send through them.
pub(crate) fn use_a_hugetlbfs(mut args: Args) {
    let dir: String = args.parse("directory");
    if let Err(error) = mount(&dir) {
        println!("a hugetlbfs cannot be mounted here: {error}");
        std::process::exit(MAY_NOT_MOUNT);
    }
    let path = Path::new(&dir).join("ring");
    let free = huge::free();
    let never = Options::bytes(BYTES).huge_pages(HugePages::Never);
    let error = Ring::<[u8]>::create(&path, &never).expect_err("it has no other pages");
    assert!(matches!(error, Error::Options { option: "huge_pages", .. }), "{error}");
    let too_large = Options::bytes(64 << 30);
    let error = Ring::<[u8]>::create(&path, &too_large).expect_err("too many");
    assert!(matches!(error, Error::NoHugePages { .. }), "{error}");
    assert_eq!(Path::new(&dir).read_dir().expect("it").count(), 0, "nothing is left");

    for options in [Options::bytes(BYTES), require().mode(0o640)] {
        let ring = Ring::<[u8]>::create(&path, &options).expect("a ring");
        assert!(matches!(ring.placement().pages, Pages::Huge { .. }), "{:?}", ring.placement());
        assert_eq!(ironring::Observer::open(&path).expect("it").placement(), ring.placement());
        let mut consumer = ring.consumer().expect("one");
        let mut child = Role::new("send-by-name").arg(path.display()).spawn().expect("a child");
        for i in 0..500 {
            assert_eq!(consumer.recv().expect("a message").to_vec(), bytes(900, i));
        }
        assert!(child.wait().success());
        assert!(ironring::fsck::check(&path).expect("a report").is_whole());
        ironring::remove(&path).expect("removed");
    }
    assert_eq!(huge::free(), free, "all were given back");
}

/// Role: sends messages through the ring of a name.
pub(crate) fn send_by_name(mut args: Args) {
    let name: String = args.parse("name");
    let mut producer = Ring::<[u8]>::open(name).expect("a ring").producer().expect("one");
    for i in 0..500 {
        producer.send(&bytes(900, i)).expect("sent");
    }
}

fn mount(dir: &str) -> std::io::Result<()> {
    let check = |done| if done == -1 { Err(std::io::Error::last_os_error()) } else { Ok(()) };
    let dir = CString::new(dir)?;
    // SAFETY: takes an integer; this process has one thread.
    check(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    let private = libc::MS_REC | libc::MS_PRIVATE;
    // SAFETY: the target is a string that ends; the other pointers may be null here.
    check(unsafe {
        libc::mount(std::ptr::null(), c"/".as_ptr(), std::ptr::null(), private, std::ptr::null())
    })?;
    let kind = c"hugetlbfs".as_ptr();
    // SAFETY: all are strings that end, and live during the call.
    check(unsafe { libc::mount(kind, dir.as_ptr(), kind, 0, c"mode=0700".as_ptr().cast()) })
}

fn files_on_a_hugetlbfs() {
    let Some(_reserved) = huge::reserve(6) else { return };
    let dir = tempfile::tempdir().expect("a directory");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).expect("set");
    let mut child = Role::new("use-a-hugetlbfs").arg(dir.path().display()).spawn().expect("a child");
    match child.wait() {
        Exit::Exited(MAY_NOT_MOUNT) => eprintln!("SKIPPED: a hugetlbfs cannot be mounted here"),
        done => assert!(done.success(), "{done}"),
    }
}

/// How many pages the system had to find for this thread so far.
fn faults() -> i64 {
    // SAFETY: `rusage` is plain integers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is writable.
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) }, 0);
    usage.ru_minflt
}

fn populated_rings() {
    let faults_of_a_lap = |populate| {
        let ring = anonymous(&Options::bytes(BYTES).populate(populate)).expect("a ring");
        let mut producer = ring.producer().expect("one");
        let message = bytes(4088, 1);
        let before = faults();
        for _ in 0..BYTES / 4096 - 1 {
            producer.try_send(&message).expect("room");
        }
        faults() - before
    };
    let (with, without) = (faults_of_a_lap(true), faults_of_a_lap(false));
    assert!(with < 20 && without > 500, "{with} populated, {without} not, of {} pages", BYTES / 4096);
}

fn locked_rings() {
    let locked = || {
        let status = fs::read_to_string("/proc/self/status").expect("it");
        let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).expect("a line").trim();
        line.trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
    };
    let before = locked();
    let ring = anonymous(&Options::bytes(BYTES).lock(true)).expect("a ring");
    let producer = match ring.producer() {
        Ok(producer) => producer,
        Err(error) => {
            assert!(error.to_string().contains("ulimit -l"), "{error}");
            eprintln!("SKIPPED: {error}");
            return;
        }
    };
    assert_eq!(locked() - before, BYTES + 4096);
    let consumer = ring.consumer().expect("one");
    assert_eq!(locked() - before, 2 * (BYTES + 4096));
    drop((producer, consumer));
    assert_eq!(locked(), before);
}

fn bound_to_a_node() {
    for node in [1023, 1024, u32::MAX] {
        let error = anonymous(&Options::bytes(BYTES).node(node)).expect_err("no such node");
        assert!(matches!(error, Error::Options { option: "node", .. }), "{error}");
    }
    let dir = tempfile::tempdir().expect("a directory");
    if !fs::read_to_string("/proc/self/numa_maps").is_ok_and(|maps| !maps.is_empty()) {
        eprintln!("SKIPPED: this kernel knows no NUMA nodes");
        return;
    }
    let ring = anonymous(&Options::bytes(BYTES).node(0)).expect("a ring");
    assert_eq!(ring.placement().node, Some(0));
    let maps = fs::read_to_string("/proc/self/numa_maps").expect("it");
    let line = maps.lines().find(|line| line.contains("memfd:ironring")).expect("a mapping");
    assert!(line.contains(" bind:0 "), "{line}");
    receive_from_child(&ring);

    let on_disk = Ring::<[u8]>::create(dir.path().join("ring"), &Options::bytes(BYTES).node(0));
    match on_disk {
        Err(Error::Options { option: "node", .. }) => {}
        Err(error) => panic!("{error}"),
        Ok(_) => eprintln!("SKIPPED: {} lies in memory", dir.path().display()),
    }
}
