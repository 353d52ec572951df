//! Asking the kernel for memory of a certain kind.

use std::{fs::File, io, os::fd::AsRawFd, sync::Arc};

use super::Mapping;
use crate::{
    error::Error,
    placement::{MAX_NODES, Pages, Placement},
};

/// The size of `file`'s pages, where they are huge ones by themselves: in a hugetlbfs, or a
/// memfd that was made so.
pub(crate) fn huge_page_size(file: &File) -> io::Result<Option<u64>> {
    let found = file_system(file)?;
    Ok((found.f_type == libc::HUGETLBFS_MAGIC).then_some(found.f_bsize as u64))
}

/// Whether `file` lies in memory, and not in a cache of something else.
pub(crate) fn is_memory(file: &File) -> io::Result<bool> {
    let kind = file_system(file)?.f_type;
    Ok(kind == libc::HUGETLBFS_MAGIC || kind == libc::TMPFS_MAGIC)
}

/// Whether `file` is one of /proc, whose links lead to what their text does not say.
pub(crate) fn is_proc(file: &File) -> io::Result<bool> {
    Ok(file_system(file)?.f_type == libc::PROC_SUPER_MAGIC)
}

/// Whether the locks and the pages of `file` are kept by this machine's kernel, and by nobody else.
pub(crate) fn check_file_system(file: &File) -> Result<(), Error> {
    let found =
        file_system(file).map_err(|e| Error::io("asking on which file system the region's file is", e))?;
    match foreign_file_system(found.f_type as u32) {
        None => Ok(()),
        Some(name) => Err(Error::Unsupported {
            found: format!("{name} where the ring's file is, on which a lock can go while its holder lives"),
            needed: "a file system of this machine's own, such as tmpfs, ext4, xfs or btrfs",
        }),
    }
}

/// The name of a file system whose locks, or pages, are another machine's or another program's, by the
/// kernel's number for it (`linux/magic.h`; for those from Ceph on, each one's own sources).
fn foreign_file_system(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x6573_5546 => "FUSE",
        0x0102_1997 => "9P",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x564c => "NCP",
        0x7461_636f => "OCFS2",
        0x786f_4256 => "a shared folder of VirtualBox",
        0x00c3_6400 => "Ceph",
        0x0116_1970 => "GFS2",
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        _ => return None,
    })
}

fn file_system(file: &File) -> io::Result<libc::statfs> {
    // SAFETY: `statfs` is plain integers, for which zero is a value.
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and `found` is writable.
    let done = unsafe { libc::fstatfs(file.as_raw_fd(), &raw mut found) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(found) }
}

/// The kernel's words for "on this node and no other" (`linux/mempolicy.h`).
const MPOL_BIND: libc::c_int = 2;

impl Mapping {
    /// Has this mapping of a ring lie in memory as its creator chose.
    pub(crate) fn place(&self, placement: &Placement) -> Result<(), Error> {
        match placement.pages {
            // Where the kernel knows no transparent huge pages there are none to refuse, or to be had.
            Pages::Small => _ = self.advise(libc::MADV_NOHUGEPAGE),
            Pages::Advised { .. } => self.prefer_huge_pages(),
            Pages::Ordinary | Pages::Huge { .. } => {}
        }
        if placement.populate {
            self.populate_as_asked()?;
        }
        if placement.lock {
            let (base, len) = self.range();
            // SAFETY: the range is this mapping's.
            if unsafe { libc::mlock(base.cast(), len) } == -1 {
                return Err(Error::os(format!(
                    "locking {len} bytes in memory, as the ring's creator chose (if that is more than the limit, \
                     `ulimit -l` raises it)"
                )));
            }
        }
        Ok(())
    }

    /// The same as [`populate`](Self::populate), where that was asked for.
    pub(crate) fn populate_as_asked(&self) -> Result<(), Error> {
        self.populate().map_err(|e| match e.raw_os_error() {
            Some(libc::EINVAL) => Error::Unsupported {
                found: "a kernel that cannot populate a mapping".into(),
                needed: "Linux 5.14 or later for a ring that is to be populated, or of reserved pages of one node",
            },
            _ => Error::io("populating the region's pages", e),
        })
    }

    /// Has the kernel find a page for every byte now, for writing.
    pub(crate) fn populate(&self) -> io::Result<()> {
        self.advise(libc::MADV_POPULATE_WRITE)
    }

    /// Advises the kernel to use huge pages.
    pub(crate) fn prefer_huge_pages(&self) {
        // Refused where it knows none.
        let _ = self.advise(libc::MADV_HUGEPAGE);
    }

    fn advise(&self, advice: libc::c_int) -> io::Result<()> {
        let (base, len) = self.range();
        // SAFETY: the range is this mapping's, and none of the advices that are given here takes
        // bytes away.
        let done = unsafe { libc::madvise(base.cast(), len, advice) };
        if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Binds the memory to a NUMA node, for all who map it. Pages that are there already stay.
    pub(crate) fn bind(&self, node: u32) -> Result<(), Error> {
        const WORD: u32 = usize::BITS;
        let mut nodes = [0_usize; (MAX_NODES / WORD) as usize];
        let wrong = || Error::Options {
            option: "node",
            found: node.to_string(),
            expected: "one of this machine's NUMA nodes with memory: see /sys/devices/system/node".into(),
        };
        *nodes.get_mut((node / WORD) as usize).ok_or_else(wrong)? |= 1 << (node % WORD);
        let (base, len) = self.range();
        // SAFETY: the range is this mapping's, and `nodes` has that many bits (the kernel counts one
        // more).
        let done = unsafe {
            libc::syscall(libc::SYS_mbind, base, len, MPOL_BIND, nodes.as_ptr(), MAX_NODES as usize + 1, 0)
        };
        match io::Error::last_os_error() {
            _ if done == 0 => Ok(()),
            e if matches!(e.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) => Err(wrong()),
            e => Err(Error::io(format!("binding the region to node {node}"), e)),
        }
    }

    /// How many bytes of it lie in transparent huge pages, as far as /proc tells.
    pub(crate) fn huge_bytes(self: &Arc<Self>) -> u64 {
        let (base, _) = self.range();
        let starts = format!("{:x}-", base.addr());
        let Ok(maps) = std::fs::read_to_string("/proc/self/smaps") else { return 0 };
        maps.lines()
            .skip_while(|line| !line.trim_start_matches('0').starts_with(&starts))
            .skip(1)
            .take_while(|line| !line.starts_with("VmFlags"))
            .filter_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_huge = matches!(name, "ShmemPmdMapped" | "FilePmdMapped");
                is_huge.then(|| value.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) << 10)
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_others_are_told_from_those_of_this_machine() {
        // What `stat -f -c %t` prints of each.
        for foreign in [0x6969, 0x6573_5546, 0x0102_1997, 0xff53_4d42, 0x00c3_6400] {
            assert!(foreign_file_system(foreign).is_some(), "{foreign:#x}");
        }
        // ext4, tmpfs, hugetlbfs, xfs, btrfs, overlayfs.
        for own in [0xef53, 0x0102_1994, 0x9584_58f6, 0x5846_5342, 0x9123_683e, 0x794c_7630] {
            assert_eq!(foreign_file_system(own), None, "{own:#x}");
        }
    }
}
