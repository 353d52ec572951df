//! Passes on which compiler builds this, for reports to say.

use std::{env, process::Command};

fn main() {
    let rustc = env::var_os("RUSTC").expect("cargo says which compiler it uses");
    let version = Command::new(rustc).arg("--version").output().expect("the compiler runs");
    println!("cargo::rustc-env=BUILT_BY={}", String::from_utf8_lossy(&version.stdout).trim());
    println!("cargo::rerun-if-changed=build.rs");
}
