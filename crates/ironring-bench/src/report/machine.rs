//! The machine, as far as the kernel tells.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::bytes;

/// Where a report was measured. What the kernel does not tell is empty or absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// The processor's name, such as `AMD EPYC`.
    pub cpu: String,
    /// Logical cores that are online.
    pub cores: usize,
    /// Those that the kernel says share one physical core, such as `0-1`; a group each.
    pub siblings: Vec<String>,
    /// Sockets.
    pub sockets: usize,
    /// The caches of the first core.
    pub caches: Vec<Cache>,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Name and release of the kernel.
    pub kernel: String,
    /// The distribution.
    pub system: String,
    /// How the kernel chooses the clock's rate, such as `performance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub governor: Option<String>,
    /// Transparent huge pages: `always`, `madvise` or `never`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub huge_pages: Option<String>,
    /// The same of shared memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub huge_pages_shared: Option<String>,
    /// Whether it is a virtual machine.
    pub virtual_machine: bool,
    /// Who runs the virtual machine, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hypervisor: Option<String>,
    /// The compiler that built the benchmark.
    pub rustc: String,
    /// The version of ironring.
    pub ironring: String,
}

/// One cache.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cache {
    /// 1 for the nearest.
    pub level: u32,
    /// `Data`, `Instruction` or `Unified`.
    pub kind: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The cores that share it, such as `0-1`.
    pub shared_by: String,
}

impl fmt::Display for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "level {} {} {}", self.level, self.kind.to_lowercase(), bytes(self.size_bytes))?;
        write!(f, ", shared by cores {}", self.shared_by)
    }
}

impl Machine {
    /// The machine that this runs on.
    ///
    /// ```
    /// let machine = ironring_bench::report::Machine::here();
    /// assert!(machine.cores > 0 && machine.kernel.starts_with("Linux ") && machine.rustc.starts_with("rustc "));
    /// ```
    #[must_use]
    pub fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
            line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
        };
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let system = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory_kib =
            field(&meminfo, "MemTotal").and_then(|kib| kib.split(' ').next()?.parse::<u64>().ok());
        let virtual_machine =
            field(&cpuinfo, "flags").is_some_and(|all| all.split(' ').any(|f| f == "hypervisor"));
        let huge_pages = "/sys/kernel/mm/transparent_hugepage";
        Self {
            cpu: field(&cpuinfo, "model name").or_else(|| field(&cpuinfo, "CPU part")).unwrap_or_default(),
            cores: cores().len(),
            siblings: groups("thread_siblings_list"),
            sockets: groups("package_cpus_list").len(),
            caches: caches(),
            memory_bytes: memory_kib.unwrap_or(0) * 1024,
            kernel: [word("/proc/sys/kernel/ostype"), word("/proc/sys/kernel/osrelease")]
                .map(Option::unwrap_or_default)
                .join(" "),
            system: system.unwrap_or_default().trim_matches('"').to_owned(),
            governor: word("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            huge_pages: chosen(&format!("{huge_pages}/enabled")),
            huge_pages_shared: chosen(&format!("{huge_pages}/shmem_enabled")),
            virtual_machine,
            hypervisor: word("/sys/hypervisor/type").or_else(|| word("/sys/class/dmi/id/sys_vendor")),
            rustc: env!("BUILT_BY").to_owned(),
            ironring: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// The directories of the cores that are online, by number.
fn cores() -> Vec<PathBuf> {
    (0..)
        .map(|core| PathBuf::from(format!("/sys/devices/system/cpu/cpu{core}")))
        .take_while(|core| core.exists())
        .filter(|core| core.join("topology").exists())
        .collect()
}

/// What the topology says of each core, each answer once.
fn groups(file: &str) -> Vec<String> {
    let mut groups: Vec<String> =
        cores().iter().filter_map(|core| word(core.join("topology").join(file))).collect();
    groups.dedup();
    groups.sort();
    groups.dedup();
    groups
}

fn caches() -> Vec<Cache> {
    (0..)
        .map(|index| PathBuf::from(format!("/sys/devices/system/cpu/cpu0/cache/index{index}")))
        .take_while(|cache| cache.exists())
        .map(|cache| Cache {
            level: word(cache.join("level")).and_then(|level| level.parse().ok()).unwrap_or(0),
            kind: word(cache.join("type")).unwrap_or_default(),
            size_bytes: word(cache.join("size"))
                .and_then(|size| Some(size.strip_suffix('K')?.parse::<u64>().ok()? * 1024))
                .unwrap_or(0),
            shared_by: word(cache.join("shared_cpu_list")).unwrap_or_default(),
        })
        .collect()
}

/// What a file of one line holds, if it is there and not empty.
fn word(path: impl AsRef<Path>) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Of `always [madvise] never`, what is in brackets.
fn chosen(path: &str) -> Option<String> {
    let text = word(path)?;
    Some(text.split_once('[')?.1.split_once(']')?.0.to_owned())
}
