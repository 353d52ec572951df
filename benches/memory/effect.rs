//! Whether a setting is truly in effect: what the kernel says of a handle's mapping.

use std::{collections::HashMap, fs, os::fd::AsFd, os::unix::fs::MetadataExt};

use ironring::{HugePages, Pages, spsc::Ring};

/// How a ring is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) pages: HugePages,
    pub(crate) populate: bool,
    pub(crate) lock: bool,
    pub(crate) node: Option<u32>,
}

/// What smaps and numa_maps say of one mapping.
struct Mapping {
    /// In kB.
    numbers: HashMap<String, u64>,
    flags: Vec<String>,
    policy: String,
}

impl Mapping {
    fn number(&self, name: &str) -> u64 {
        self.numbers.get(name).copied().unwrap_or(0)
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|one| one == flag)
    }

    /// What of it the process has in reach; of reserved pages this is counted apart.
    fn resident(&self) -> u64 {
        self.number("Rss") + self.number("Shared_Hugetlb") + self.number("Private_Hugetlb")
    }

    /// What of it is in reach by huge pages.
    fn huge(&self) -> u64 {
        let reserved = self.number("Shared_Hugetlb") + self.number("Private_Hugetlb");
        reserved + self.number("ShmemPmdMapped") + self.number("FilePmdMapped")
    }
}

/// The mapping of this process's handle on `ring`, the only one that a forked child would not have.
fn mapping(ring: &Ring<[u8]>) -> Mapping {
    let file = fs::File::from(ring.as_fd().try_clone_to_owned().expect("a descriptor"));
    let inode = file.metadata().expect("a file").ino().to_string();
    let smaps = fs::read_to_string("/proc/self/smaps").expect("smaps");
    let mut found = None;
    let mut begun: Option<(String, Mapping)> = None;
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        if let Some(name) = first.strip_suffix(':') {
            let Some((_, mapping)) = &mut begun else { continue };
            if name == "VmFlags" {
                mapping.flags = words.map(str::to_owned).collect();
                if mapping.has("dc") {
                    found = begun.take();
                }
            } else if let Some(number) = words.next().and_then(|number| number.parse().ok()) {
                mapping.numbers.insert(name.to_owned(), number);
            }
        } else {
            let start = first.split('-').next().unwrap_or_default().to_owned();
            let empty = Mapping { numbers: HashMap::new(), flags: Vec::new(), policy: String::new() };
            begun = (words.nth(3) == Some(inode.as_str())).then_some((start, empty));
        }
    }
    let (start, mut mapping) = found.expect("a handle's mapping of the ring in /proc/self/smaps");
    // Not there in a kernel without NUMA.
    let policies = fs::read_to_string("/proc/self/numa_maps").unwrap_or_default();
    let line = policies.lines().find_map(|line| line.trim_start_matches('0').strip_prefix(&start));
    mapping.policy = line.unwrap_or_default().trim().to_owned();
    mapping
}

/// When a process looks at its mapping.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Attached,
    AfterALap,
}

impl Variant {
    /// Panics unless the ring is in the memory that was asked for, and says how much of it this process
    /// has in reach by huge pages, in bytes.
    pub(crate) fn must_be_in_effect(&self, ring: &Ring<[u8]>, when: When) -> u64 {
        let placement = ring.placement();
        assert_eq!(
            (placement.populate, placement.lock, placement.node),
            (self.populate, self.lock, self.node)
        );
        let mapping = mapping(ring);
        let [size, resident, huge] = [mapping.number("Size"), mapping.resident(), mapping.huge()];
        let what = format!("{}: {resident} of {size} kB in reach, {huge} by huge pages", self.name);
        let page = mapping.number("KernelPageSize");
        match (self.pages, placement.pages) {
            (HugePages::Never, Pages::Small) => {
                assert!(mapping.has("nh") && page == 4 && huge == 0, "{what}");
            }
            (HugePages::Prefer, Pages::Advised { .. }) => assert!(mapping.has("hg") && page == 4, "{what}"),
            (HugePages::Require, Pages::Huge { size }) => assert_eq!(page, size >> 10, "{what}"),
            (_, found) => panic!("{what}: asked for {:?}, and they are {found}", self.pages),
        }
        let is_large = size >= 32 << 10;
        match (self.populate || self.lock, when) {
            (true, _) => assert_eq!(resident, size, "{what}"),
            // A small one is in reach by the way.
            (false, When::Attached) if is_large => assert!(resident <= size / 8, "{what}"),
            (false, When::AfterALap) if is_large => assert!(resident >= size / 8 * 7, "{what}"),
            _ => {}
        }
        if self.pages == HugePages::Prefer && is_large && when == When::AfterALap {
            assert!(huge >= size / 8 * 7, "{what}");
        }
        if self.lock && self.pages != HugePages::Require {
            assert!(mapping.has("lo"), "{what}: it is not locked");
        }
        if let Some(node) = self.node {
            // Reserved pages keep no policy that another process could see, only where they are.
            let is_bound =
                self.pages == HugePages::Require || mapping.policy.starts_with(&format!("bind:{node}"));
            let is_there = mapping.policy.contains(&format!(" N{node}="));
            assert!(is_bound && (is_there || when == When::Attached), "{what}: {:?}", mapping.policy);
        }
        huge << 10
    }
}
