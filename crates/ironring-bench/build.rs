//! Passes on which compiler builds this, for reports to say; and compiles what C and C++ have to be compared with, where
//! a compiler and the headers are: what is not there, the benchmark tells to be missing, and how to install it.

use std::{env, process::Command};

fn main() {
    let rustc = env::var_os("RUSTC").expect("cargo says which compiler it uses");
    let version = Command::new(rustc).arg("--version").output().expect("the compiler runs");
    println!("cargo::rustc-env=BUILT_BY={}", String::from_utf8_lossy(&version.stdout).trim());
    println!("cargo::rustc-check-cfg=cfg(has_boost)");
    println!("cargo::rustc-check-cfg=cfg(has_rte_ring)");
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "peers")]
    peers::compile();
}

#[cfg(feature = "peers")]
mod peers {
    use std::{fs, path::Path};

    /// Where their sources are.
    const DIR: &str = "src/transport/peers";

    pub(crate) fn compile() {
        boost();
        rte_ring();
    }

    /// Compiles a source, and says so to the code. Without it everything else can be built.
    fn take(build: &mut cc::Build, source: &str, name: &str) -> bool {
        let path = format!("{DIR}/{source}");
        println!("cargo::rerun-if-changed={path}");
        // Named otherwise than DPDK's own library.
        let compiled = build.file(path).cargo_warnings(false).try_compile(&format!("ironring_{name}"));
        match &compiled {
            Ok(()) => println!("cargo::rustc-cfg=has_{name}"),
            Err(error) => println!("cargo::warning={name} is left out of the benchmark: {error}"),
        }
        compiled.is_ok()
    }

    fn boost() {
        let version = Path::new("/usr/include/boost/version.hpp");
        // Whoever installs it later is asked again.
        let look = if version.exists() { version } else { Path::new("/usr/include") };
        println!("cargo::rerun-if-changed={}", look.display());
        let mut build = cc::Build::new();
        build.cpp(true).std("c++17").define("NDEBUG", None);
        if take(&mut build, "boost.cpp", "boost") {
            let text = fs::read_to_string(version).unwrap_or_default();
            let version =
                text.split("#define BOOST_LIB_VERSION \"").nth(1).and_then(|rest| rest.split('"').next());
            println!(
                "cargo::rustc-env=BOOST_VERSION=Boost {}",
                version.unwrap_or_default().replace('_', ".")
            );
        }
    }

    fn rte_ring() {
        // What is not found is not asked for again by itself: Debian has it in more than 200 packages.
        let found = pkg_config::Config::new().cargo_metadata(false).probe("libdpdk");
        let Ok(library) = found else { return };
        let mut build = cc::Build::new();
        // The lowest that its headers are for.
        build.includes(&library.include_paths).define("NDEBUG", None).flag_if_supported("-march=corei7");
        if take(&mut build, "rte_ring.c", "rte_ring") {
            for path in &library.link_paths {
                println!("cargo::rustc-link-search=native={}", path.display());
            }
            println!("cargo::rustc-link-lib=rte_ring");
            println!("cargo::rustc-env=DPDK_VERSION=DPDK {}", library.version);
        }
    }
}
