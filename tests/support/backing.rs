//! Every kind of memory that a ring can lie in, and how another process gets there.

use std::{
    fs::File,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    ptr::NonNull,
    sync::atomic::{AtomicU32, Ordering},
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
    /// A memfd, whose descriptor the other process inherits.
    Memfd,
    /// One of reserved huge pages, where some are reserved.
    HugeMemfd,
    /// A memfd that is served over a unix socket.
    Served,
    /// A name as of `shm_open`.
    Shm,
    /// A System V segment, by key.
    SystemV,
    /// Memory that the test has mapped.
    Callers,
}

/// All kinds.
pub(crate) const ALL: [Backing; 8] = [
    Backing::Tmpfs,
    Backing::Disk,
    Backing::Memfd,
    Backing::HugeMemfd,
    Backing::Served,
    Backing::Shm,
    Backing::SystemV,
    Backing::Callers,
];

/// A new ring, removed when this is dropped.
pub(crate) struct Made<M: Payload + ?Sized, A: Algorithm> {
    pub(crate) ring: Ring<M, A>,
    /// By what another process gets it; none where it inherits the descriptor.
    pub(crate) address: Option<String>,
    removed: Option<PathBuf>,
    _memory: Option<MmapRaw>,
    _dir: Option<TempDir>,
}

impl<M: Payload + ?Sized, A: Algorithm> Drop for Made<M, A> {
    fn drop(&mut self) {
        if let Some(name) = &self.removed {
            let _ = ironring::remove(name);
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
    pub(crate) fn make<M: Payload + ?Sized, A: Algorithm>(self, options: &Options) -> Option<Made<M, A>> {
        let dir =
            if self == Self::Disk { tempfile::tempdir().expect("a directory") } else { shared_memory() };
        let path = dir.path().join("ring");
        let mut made = match self {
            Self::Tmpfs | Self::Disk => Made::named(&path, options),
            Self::Shm => Made::named(Path::new(&format!("shm:/ironring-test-{}", unique())), options),
            Self::SystemV => Made::named(Path::new(&format!("sysv:{:#x}", unique() | 1)), options),
            Self::Memfd => Made::of(Ring::anonymous(options).expect("a ring"), None),
            Self::HugeMemfd => {
                let require = options.huge_pages(HugePages::Require);
                // Reserved for the time of the creation: a ring keeps its pages.
                let _reserved = huge::reserve(3)?;
                Made::of(Ring::anonymous(&require).expect("a ring"), None)
            }
            Self::Served => {
                let ring = Ring::anonymous(options).expect("a ring");
                let listener = UnixListener::bind(&path).expect("a socket");
                let served = ring.clone();
                // It ends with the process.
                std::thread::spawn(move || {
                    while let Ok((socket, _)) = listener.accept() {
                        let deadline = Deadline::after(Duration::from_secs(20));
                        served.serve(&socket, Peer::is_same_user, deadline).expect("served");
                    }
                });
                Made::of(ring, Some(format!("unix:{}", path.display())))
            }
            Self::Callers => {
                let len = Ring::<M, A>::len_of(options).expect("a length");
                File::create_new(&path).and_then(|file| file.set_len(len as u64)).expect("a file");
                let memory = map(&path);
                // SAFETY: mapped until `made` is dropped, after the ring; only rings use it.
                let ring = unsafe { Ring::create_in(lent(&memory), dir.path().join("lock"), options) };
                let mut made =
                    Made::of(ring.expect("a ring"), Some(format!("lent:{}", dir.path().display())));
                made._memory = Some(memory);
                made
            }
        };
        made._dir = Some(dir);
        Some(made)
    }
}

impl<M: Payload + ?Sized, A: Algorithm> Made<M, A> {
    fn of(ring: Ring<M, A>, address: Option<String>) -> Self {
        Self { ring, address, removed: None, _memory: None, _dir: None }
    }

    fn named(name: &Path, options: &Options) -> Self {
        let ring = Ring::create(name, options).unwrap_or_else(|e| panic!("{}: {e}", name.display()));
        let mut made = Self::of(ring, Some(name.display().to_string()));
        made.removed = Some(name.to_owned());
        made
    }

    /// The role of this name, which is passed the ring and calls [`open`].
    pub(crate) fn role(&self, name: &str) -> Role {
        let role = Role::new(name);
        match &self.address {
            Some(address) => role.arg(address),
            None => role.arg("inherited").pass_fd("ring", &self.ring),
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

/// Opens the ring that a role was passed.
pub(crate) fn open<M: Payload + ?Sized, A: Algorithm>(args: &mut Args) -> Ring<M, A> {
    let address: String = args.parse("address");
    if let Some(dir) = address.strip_prefix("lent:") {
        let dir = Path::new(dir);
        let memory = std::mem::ManuallyDrop::new(map(&dir.join("ring")));
        // SAFETY: never unmapped; only rings use it.
        return unsafe { Ring::open_in(lent(&memory), dir.join("lock")) }.expect("a ring");
    }
    match address.as_str() {
        "inherited" => Ring::from_fd(args.fd("ring")).expect("a ring"),
        name => Ring::open(name).unwrap_or_else(|e| panic!("{name}: {e}")),
    }
}
