//! Huge pages for tests that need them, given back afterwards. Only root can have them, and not
//! on every machine: who has none says that it was left out.

use std::{
    ffi::CString,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

const RESERVED: &str = "/proc/sys/vm/nr_hugepages";
const ADVISED: &str = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";

/// A setting of the machine, as it was before.
pub(crate) struct Setting {
    path: &'static str,
    before: String,
    /// Others that change it wait.
    _turn: fs::File,
}

impl Drop for Setting {
    fn drop(&mut self) {
        let _ = fs::write(self.path, &self.before);
    }
}

fn change(path: &'static str, value: impl FnOnce(&str) -> String) -> Option<Setting> {
    let turn = fs::File::create("/dev/shm/.ironring-test-huge-pages").ok()?;
    turn.lock().ok()?;
    let found = fs::read_to_string(path).ok()?;
    // The one in brackets, of several.
    let before = match found.split_once('[') {
        Some((_, chosen)) => chosen.split(']').next().unwrap_or_default().to_owned(),
        None => found.trim().to_owned(),
    };
    let setting = Setting { path, _turn: turn, before };
    fs::write(path, value(&setting.before)).ok()?;
    Some(setting)
}

/// `pages` huge pages more, all of them free; `None` where that cannot be, which is said.
pub(crate) fn reserve(pages: u64) -> Option<Setting> {
    let setting = change(RESERVED, |before| {
        // Those in use that are given back meanwhile count among the first that are reserved.
        let used = in_use();
        (before.parse::<u64>().unwrap_or(0) + used + pages).to_string()
    });
    let is_there = setting.is_some() && free() >= pages;
    if !is_there {
        eprintln!("SKIPPED: {pages} huge pages cannot be reserved here (root, and as much free memory)");
    }
    setting.filter(|_| is_there)
}

/// Has the system give transparent huge pages to memory in memfds that asks for them.
pub(crate) fn advise() -> Option<Setting> {
    let setting = Path::new(ADVISED).exists().then(|| change(ADVISED, |_| "advise".into())).flatten();
    if setting.is_none() {
        eprintln!("SKIPPED: {ADVISED} cannot be set here");
    }
    setting
}

/// How many huge pages nobody uses.
pub(crate) fn free() -> u64 {
    pages("HugePages_Free:", &meminfo())
}

/// How many huge pages somebody uses, of one reading: the system changes both meanwhile.
fn in_use() -> u64 {
    let meminfo = meminfo();
    pages("HugePages_Total:", &meminfo).saturating_sub(pages("HugePages_Free:", &meminfo))
}

fn meminfo() -> String {
    fs::read_to_string("/proc/meminfo").unwrap_or_default()
}

fn pages(name: &str, meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|pages| pages.trim().parse().ok()).unwrap_or(0)
}

/// A hugetlbfs, until this is dropped.
pub(crate) struct Mount {
    path: PathBuf,
}

fn path_of(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("no zero in a path")
}

/// Mounts a hugetlbfs on `dir`; `None` where that cannot be, which is said.
pub(crate) fn mount(dir: &Path) -> Option<Mount> {
    let path = path_of(dir);
    let kind = c"hugetlbfs".as_ptr();
    // SAFETY: all are strings that end, and live during the call.
    let done = unsafe { libc::mount(kind, path.as_ptr(), kind, 0, c"mode=0700".as_ptr().cast()) };
    if done != 0 {
        eprintln!("SKIPPED: no hugetlbfs can be mounted here: {}", std::io::Error::last_os_error());
        return None;
    }
    Some(Mount { path: dir.to_owned() })
}

impl Drop for Mount {
    fn drop(&mut self) {
        let path = path_of(&self.path);
        // Also while somebody who failed still has a file of it.
        // SAFETY: a string that ends, and lives during the call.
        unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) };
    }
}
