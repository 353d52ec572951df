//! The one thread of a process that waits for all its handles that must not sleep themselves.
//!
//! It sleeps until the kernel has something to tell of the files of their rings (`inotify`), and
//! there are two things. Whoever rings the word of a handle that waits so, touches the file. And
//! when a participant dies, the kernel closes the file that its mapping was made from. So there is
//! nothing to look for by time, and no limit to the number of rings.

use std::{
    collections::HashMap,
    ffi::CString,
    fs::File,
    io::{self, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsRawFd, FromRawFd},
        unix::ffi::OsStringExt,
    },
    ptr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicPtr, Ordering},
    },
    time::{Duration, Instant},
};

use super::{PATIENCE, watch::Watch};
use crate::{
    Error,
    region::{Image, Region},
};

/// The thread, and what it shares with others. It starts with the first handle that needs it, and
/// stays.
#[derive(Debug)]
pub(crate) struct Watcher {
    /// The process that it is of: a forked child has the memory, and not the thread. Not its number,
    /// which in another pid namespace may be the child's as well.
    process: Image,
    notices: File,
    /// Wakes the thread, to look at the time.
    kick: File,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Who is told of which file, by the kernel's number for it and that of the place.
    files: HashMap<i32, HashMap<u64, Weak<Watch>>>,
    /// How many places there have been.
    places: u64,
    /// Who is told once more, and when.
    due: Vec<(Instant, Weak<Watch>)>,
}

/// What was seen of a ring's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It was touched: a word was rung.
    Touched,
    /// It was closed: a participant may have died, whenever it last did anything.
    Closed,
}

/// That of this process, if it has one. Never freed: there is one a process.
static CURRENT: AtomicPtr<Watcher> = AtomicPtr::new(ptr::null_mut());

/// When a file was closed, its holder is looked for at once, and again so much later: it is closed
/// a little before the lock on it goes.
const AGAIN: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(30)];

impl Watcher {
    pub(super) fn of_this_process() -> Result<&'static Self, Error> {
        loop {
            let found = CURRENT.load(Ordering::Acquire);
            // SAFETY: null, or from `Box::leak` below.
            if let Some(watcher) = unsafe { found.as_ref() }
                && watcher.process.is_current()
            {
                return Ok(watcher);
            }
            let new = Box::new(Self {
                process: Image::of_this_process()?,
                notices: notices().map_err(|e| Error::io(NO_NOTICES, e))?,
                kick: event(0).map_err(|e| Error::io("making a descriptor for a thread to wait by", e))?,
                state: Mutex::default(),
            });
            let new = Box::into_raw(new);
            // Release: pairs with the Acquire above.
            if CURRENT.compare_exchange(found, new, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                // SAFETY: from `Box::into_raw` above, and nobody else has seen it.
                drop(unsafe { Box::from_raw(new) });
                continue;
            }
            // SAFETY: as above, and it is never freed from here on.
            let watcher: &'static Self = unsafe { &*new };
            let thread = std::thread::Builder::new().name("ironring".into()).spawn(|| watcher.run());
            if let Err(error) = thread {
                CURRENT.store(ptr::null_mut(), Ordering::Release);
                return Err(Error::io("starting the thread that waits for rings", error));
            }
            return Ok(watcher);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the kernel for notices of the file of `region`.
    pub(super) fn watch(&'static self, region: &Region) -> Result<Watched, Error> {
        let refused = |e| Error::io("watching the region's file, for a task that waits", e);
        let path = region.file().path_now()?;
        let path = CString::new(path.into_os_string().into_vec()).map_err(|e| refused(e.into()))?;
        let mask = libc::IN_CLOSE_WRITE | libc::IN_ATTRIB | libc::IN_MODIFY;
        let mut state = self.state();
        // SAFETY: the path is a string that ends with a zero.
        let file = unsafe { libc::inotify_add_watch(self.notices.as_raw_fd(), path.as_ptr(), mask) };
        if file < 0 {
            return Err(refused(io::Error::last_os_error()));
        }
        let place = state.places;
        state.places += 1;
        // The same file has the same number. A place of its own keeps it until the watch is there.
        state.files.entry(file).or_default().insert(place, Weak::new());
        Ok(Watched { file, place, watcher: self })
    }

    /// Tells `watch` what is seen of the file that is `watched`, from now on.
    pub(super) fn tell(&self, watched: &Watched, watch: &Arc<Watch>) {
        self.state().files.entry(watched.file).or_default().insert(watched.place, Arc::downgrade(watch));
    }

    fn run(&self) {
        block_signals();
        // Whole notices, of sixteen bytes: the files are no directories, so no names follow.
        let mut buf = [0; 256 * size_of::<libc::inotify_event>()];
        loop {
            self.sleep();
            let _ = (&self.kick).read(&mut [0; 8]);
            let len = (&self.notices).read(&mut buf).unwrap_or(0);
            // No lock is held when they are told: what they call may drop one.
            let mut told = self.due_now();
            for notice in buf[..len].chunks_exact(size_of::<libc::inotify_event>()) {
                let word = |at: usize| i32::from_ne_bytes(std::array::from_fn(|i| notice[at + i]));
                told.extend(self.seen(word(0), word(4).cast_unsigned()));
            }
            for (watch, seen) in told {
                watch.see(seen);
            }
        }
    }

    /// Sleeps until there is a notice, or somebody is due.
    fn sleep(&self) {
        let next = self.state().due.iter().map(|(due, _)| *due).min();
        let timeout = next.map_or(-1, |due| {
            let left = due.saturating_duration_since(Instant::now());
            // Rounded up, and never long: not to find it early.
            left.as_millis().min(PATIENCE.as_millis()) as libc::c_int + 1
        });
        let mut polled = [&self.notices, &self.kick].map(|file| libc::pollfd {
            fd: file.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        });
        // SAFETY: two descriptors, which are open as long as this lives. A signal is as good as
        // a notice.
        unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, timeout) };
    }

    /// Who is to be told what, of a notice.
    fn seen(&self, file: i32, mask: u32) -> Vec<(Arc<Watch>, Seen)> {
        let mut state = self.state();
        // Where there were too many for the kernel, anything may have happened to any.
        let is_any = mask & libc::IN_Q_OVERFLOW != 0;
        let seen = if is_any || mask & libc::IN_CLOSE_WRITE != 0 { Seen::Closed } else { Seen::Touched };
        let files = state.files.iter().filter(|(number, _)| is_any || **number == file);
        let watches: Vec<_> = files.flat_map(|(_, watches)| watches.values()).cloned().collect();
        if seen == Seen::Closed {
            let now = Instant::now();
            state
                .due
                .extend(watches.iter().flat_map(|watch| AGAIN.map(|after| (now + after, watch.clone()))));
        }
        watches.iter().filter_map(Weak::upgrade).map(|watch| (watch, seen)).collect()
    }

    /// Who is due to be told once more.
    fn due_now(&self) -> Vec<(Arc<Watch>, Seen)> {
        let mut state = self.state();
        if state.due.is_empty() {
            return Vec::new();
        }
        let now = Instant::now();
        let due = state.due.extract_if(.., |(due, _)| *due <= now);
        due.filter_map(|(_, watch)| Some((watch.upgrade()?, Seen::Closed))).collect()
    }
}

const NO_NOTICES: &str = "asking the kernel for notices of files; if there are too many instances, raise \
                          fs.inotify.max_user_instances";

/// The place of one watch among those that are told of a file, until this is dropped.
#[derive(Debug)]
pub(super) struct Watched {
    file: i32,
    place: u64,
    watcher: &'static Watcher,
}

impl Watched {
    /// Tells `watch` after `patience`, if that is less than what a sleeper always has: then whoever
    /// was looking at the word just now may not have seen that it waits.
    pub(super) fn look_again_after(&self, patience: Duration, watch: &Arc<Watch>) {
        if patience < PATIENCE {
            self.watcher.state().due.push((Instant::now() + patience, Arc::downgrade(watch)));
            // Fails where it is kicked already.
            let _ = (&self.watcher.kick).write(&1_u64.to_ne_bytes());
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.watcher.process.is_current() {
            // A forked child: the kernel's list is the parent's, and so may be the lock.
            return;
        }
        let mut state = self.watcher.state();
        let Some(watches) = state.files.get_mut(&self.file) else { return };
        watches.remove(&self.place);
        if watches.is_empty() {
            state.files.remove(&self.file);
            // SAFETY: takes integers. A failure means that the file is gone.
            unsafe { libc::inotify_rm_watch(self.watcher.notices.as_raw_fd(), self.file) };
        }
    }
}

fn notices() -> io::Result<File> {
    // SAFETY: takes integers.
    opened(unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) })
}

/// A descriptor that is readable when it has counted something.
pub(super) fn event(count: u32) -> io::Result<File> {
    // SAFETY: takes integers.
    opened(unsafe { libc::eventfd(count, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })
}

fn opened(fd: libc::c_int) -> io::Result<File> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just opened, and nobody else has it.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// Leaves the program's signals to its own threads.
fn block_signals() {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: there is room for a set.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: the set was written, and nothing is to be stored.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), ptr::null_mut()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, algorithm::Head, mpmc};

    /// Whatever others of its file go meanwhile.
    #[test]
    fn a_place_is_kept_until_its_watch_is_there() {
        let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(2)).expect("a ring");
        let consumer = ring.consumer().expect("a place");
        let seat = consumer.head.seat();
        let watcher = Watcher::of_this_process().expect("a thread");
        let others = [(); 2].map(|()| Watch::new(seat, || {}).expect("a watch"));
        let kept = watcher.watch(seat.region()).expect("a place");
        drop(others);
        let watch = Watch::new(seat, || {}).expect("a watch");
        watcher.tell(&kept, &watch);
        assert_eq!(watcher.seen(kept.file, libc::IN_ATTRIB).len(), 2, "by its own place, and this one");
    }
}
