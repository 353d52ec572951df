//! Every kind of memory that a ring can lie in, and how another process gets there.

use std::{
    fs::File,
    os::{fd::AsRawFd, unix::net::UnixListener},
    path::{Path, PathBuf},
    ptr::NonNull,
    sync::atomic::{AtomicU32, Ordering},
    thread::JoinHandle,
    time::Duration,
};

use ironring::{Algorithm, Deadline, HugePages, Options, Payload, Peer, Ring};
use ironring_testkit::{Args, Role};
use memmap2::{MmapOptions, MmapRaw};
use tempfile::TempDir;

use super::{huge, shared_memory};

/// A kind of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backing {
    /// A named file in memory.
    Tmpfs,
    /// A named file on disk.
    Disk,
    /// A named file of reserved huge pages, on a hugetlbfs, where one can be mounted.
    HugeFile,
    /// A memfd, whose descriptor the other process is given.
    Memfd,
    /// One of reserved huge pages, where some are reserved.
    HugeMemfd,
    /// A memfd that the other process inherits over exec, as [`Ring::pass_to`] has it.
    Exec,
    /// A memfd whose ring object the other process, a fork, has from this one.
    Forked,
    /// A memfd that is served over a unix socket.
    Served,
    /// A name as of `shm_open`.
    Shm,
    /// A System V segment, by key.
    SystemV,
    /// Memory that the test has mapped.
    Callers,
    /// Memory without a file that the test has mapped, and that a fork has from it.
    ForkedCallers,
}

/// All kinds.
pub(crate) const ALL: [Backing; 12] = [
    Backing::Tmpfs,
    Backing::Disk,
    Backing::HugeFile,
    Backing::Memfd,
    Backing::HugeMemfd,
    Backing::Exec,
    Backing::Forked,
    Backing::Served,
    Backing::Shm,
    Backing::SystemV,
    Backing::Callers,
    Backing::ForkedCallers,
];

/// Huge pages that a ring of a test takes at most.
const HUGE_PAGES: u64 = 3;
/// The variable in which the number of a descriptor is inherited.
const VARIABLE: &str = "IRONRING_TEST_RING";

/// How another process gets to a ring.
#[derive(Clone, Debug)]
enum Way {
    /// By a name, or by what [`open`] knows besides.
    Address(String),
    /// By a descriptor that the test passes on.
    Descriptor,
    /// By one that the library passes on.
    Exec,
    /// As a fork of this process.
    Fork,
}

/// A new ring, removed when this is dropped.
pub(crate) struct Made<M: Payload + ?Sized, A: Algorithm> {
    pub(crate) ring: Ring<M, A>,
    way: Way,
    removed: Option<PathBuf>,
    server: Option<Server>,
    _memory: Option<MmapRaw>,
    _mount: Option<huge::Mount>,
    _dir: Option<TempDir>,
}

impl<M: Payload + ?Sized, A: Algorithm> Drop for Made<M, A> {
    fn drop(&mut self) {
        self.server = None;
        if let Some(name) = &self.removed {
            let _ = ironring::remove(name);
        }
    }
}

/// Runs `test` on a ring in each kind of memory.
pub(crate) fn on_each<M, A>(options: &Options, test: impl Fn(Ring<M, A>))
where
    M: Payload + ?Sized + 'static,
    A: Algorithm + 'static,
{
    for backing in ALL {
        if let Some(made) = backing.make(options) {
            test(made.ring.clone());
        }
    }
}

/// A number for what has no directory of its own.
fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    std::process::id() << 12 ^ NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Backing {
    /// A ring of `options` in such memory; none where this machine has none, which is said.
    pub(crate) fn make<M, A>(self, options: &Options) -> Option<Made<M, A>>
    where
        M: Payload + ?Sized + 'static,
        A: Algorithm + 'static,
    {
        let dir =
            if self == Self::Disk { tempfile::tempdir().expect("a directory") } else { shared_memory() };
        let path = dir.path().join("ring");
        let anonymous = |way| Made::of(Ring::anonymous(options).expect("a ring"), way);
        let mut made = match self {
            Self::Tmpfs | Self::Disk => Made::named(&path, options),
            Self::Shm => Made::named(Path::new(&format!("shm:/ironring-test-{}", unique())), options),
            Self::SystemV => Made::named(Path::new(&format!("sysv:{:#x}", unique() | 1)), options),
            Self::HugeFile => {
                // Reserved for the time of the creation: a ring keeps its pages.
                let _reserved = huge::reserve(HUGE_PAGES)?;
                let mount = huge::mount(dir.path())?;
                let mut made = Made::named(&path, &options.huge_pages(HugePages::Require));
                made._mount = Some(mount);
                made
            }
            Self::Memfd => anonymous(Way::Descriptor),
            Self::Exec => anonymous(Way::Exec),
            Self::Forked => anonymous(Way::Fork),
            Self::HugeMemfd => {
                let require = options.huge_pages(HugePages::Require);
                let _reserved = huge::reserve(HUGE_PAGES)?;
                Made::of(Ring::anonymous(&require).expect("a ring"), Way::Descriptor)
            }
            Self::Served => {
                let mut made = anonymous(Way::Address(format!("unix:{}", path.display())));
                made.server = Some(Server::start(&made.ring, &path));
                made
            }
            Self::Callers => {
                let len = Ring::<M, A>::len_of(options).expect("a length");
                File::create_new(&path).and_then(|file| file.set_len(len as u64)).expect("a file");
                let way = Way::Address(format!("lent:{}", dir.path().display()));
                Made::lent(map(&path), &dir.path().join("lock"), options, way)
            }
            Self::ForkedCallers => {
                let len = Ring::<M, A>::len_of(options).expect("a length");
                // Shared memory without a file, which `map_anon` would make private.
                let zero = File::options().read(true).write(true).open("/dev/zero").expect("it");
                let memory = MmapOptions::new().len(len).map_raw(&zero).expect("memory");
                Made::lent(memory, &dir.path().join("lock"), options, Way::Fork)
            }
        };
        made._dir = Some(dir);
        Some(made)
    }
}

impl<M: Payload + ?Sized + 'static, A: Algorithm + 'static> Made<M, A> {
    fn of(ring: Ring<M, A>, way: Way) -> Self {
        Self { ring, way, removed: None, server: None, _memory: None, _mount: None, _dir: None }
    }

    fn named(name: &Path, options: &Options) -> Self {
        let ring = Ring::create(name, options).unwrap_or_else(|e| panic!("{}: {e}", name.display()));
        let mut made = Self::of(ring, Way::Address(name.display().to_string()));
        made.removed = Some(name.to_owned());
        made
    }

    fn lent(memory: MmapRaw, lock: &Path, options: &Options, way: Way) -> Self {
        // SAFETY: mapped until `made` is dropped, after the ring; only rings use it.
        let ring = unsafe { Ring::create_in(lent(&memory), lock, options) };
        let mut made = Self::of(ring.expect("a ring"), way);
        made._memory = Some(memory);
        made
    }

    /// A name by which anybody gets there.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.way {
            Way::Address(address) if !address.starts_with("lent:") => Some(address),
            _ => None,
        }
    }

    /// A process that runs `run` on the ring. Where a program is started for that, it calls
    /// [`run`] with the same in the role of this name.
    pub(crate) fn role(&self, name: &str, run: fn(Ring<M, A>, Args)) -> Role {
        let role = Role::new(name);
        let ring = self.ring.clone();
        match &self.way {
            Way::Address(address) => role.arg(address),
            Way::Descriptor => role.arg("descriptor").pass_fd("ring", &self.ring),
            Way::Exec => role
                .arg("exec")
                .prepare(move |command| ring.pass_to(command, VARIABLE).map_err(std::io::Error::other)),
            Way::Fork => {
                threads_are_gone();
                role.forked(move |args| run(ring, args))
            }
        }
    }
}

/// Waits for the kernel to be done with threads that were joined.
fn threads_are_gone() {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while std::fs::read_dir("/proc/self/task").expect("a list").count() > 1 {
        assert!(std::time::Instant::now() < deadline, "this process has threads, and is to fork");
        std::thread::yield_now();
    }
}

/// A thread that gives a ring to all who ask, until this is dropped.
struct Server {
    listener: UnixListener,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start<M, A>(ring: &Ring<M, A>, path: &Path) -> Self
    where
        M: Payload + ?Sized + 'static,
        A: Algorithm + 'static,
    {
        let listener = UnixListener::bind(path).expect("a socket");
        let (served, heard) = (ring.clone(), listener.try_clone().expect("a descriptor"));
        let thread = std::thread::spawn(move || {
            while let Ok((socket, _)) = heard.accept() {
                let deadline = Deadline::after(Duration::from_secs(20));
                served.serve(&socket, Peer::is_same_user, deadline).expect("served");
            }
        });
        Self { listener, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SAFETY: the descriptor is open, and the call takes integers: nobody is accepted any more.
        unsafe { libc::shutdown(self.listener.as_raw_fd(), libc::SHUT_RDWR) };
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the ring was not served");
        }
    }
}

fn map(path: &Path) -> MmapRaw {
    let file = File::options().read(true).write(true).open(path).expect("the file");
    MmapOptions::new().map_raw(&file).expect("a mapping")
}

fn lent(memory: &MmapRaw) -> NonNull<[u8]> {
    let base = NonNull::new(memory.as_mut_ptr()).expect("not at zero");
    NonNull::slice_from_raw_parts(base, memory.len())
}

/// In a role: runs `run` on the ring that it was passed.
pub(crate) fn run<M: Payload + ?Sized, A: Algorithm>(mut args: Args, run: fn(Ring<M, A>, Args)) {
    let ring = open(&mut args);
    run(ring, args);
}

fn open<M: Payload + ?Sized, A: Algorithm>(args: &mut Args) -> Ring<M, A> {
    let address: String = args.parse("address");
    if let Some(dir) = address.strip_prefix("lent:") {
        let dir = Path::new(dir);
        let memory = std::mem::ManuallyDrop::new(map(&dir.join("ring")));
        // SAFETY: never unmapped; only rings use it.
        return unsafe { Ring::open_in(lent(&memory), dir.join("lock")) }.expect("a ring");
    }
    match address.as_str() {
        "descriptor" => Ring::from_fd(args.fd("ring")).expect("a ring"),
        "exec" => Ring::inherited(VARIABLE).expect("a ring"),
        name => Ring::open(name).unwrap_or_else(|e| panic!("{name}: {e}")),
    }
}
