//! A reader in another language, written from docs/LAYOUT.md alone, decodes live rings.

#[path = "../support/mod.rs"]
mod support;

mod exchange;
mod streams;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use bytemuck::{Pod, Zeroable};
use support::{
    bytes,
    layout::{Field, IDENTITY},
    raw::Raw,
};

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/read_ring.py");

pub(crate) fn reader(path: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.arg(READER).arg(path).args(arguments);
    command
}

/// Everything that the reader prints of the ring at `path` as it is now.
pub(crate) fn read_now(path: &Path) -> Vec<String> {
    printed(path, &[])
}

/// Everything that the reader prints with these arguments.
pub(crate) fn printed(path: &Path, arguments: &[&str]) -> Vec<String> {
    let output = reader(path, arguments).output().expect("python3, which this test needs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn line_of_frame(position: u64, tag: u32, message: &[u8]) -> String {
    format!(r#"{{"position": {position}, "tag": {tag}, "data": "{}"}}"#, hex(message))
}

pub(crate) fn line_of_value(position: u64, message: &[u8]) -> String {
    format!(r#"{{"position": {position}, "data": "{}"}}"#, hex(message))
}

/// Message `i` of the tests: its bytes, and its tag.
pub(crate) fn message(i: u64) -> (Vec<u8>, u32) {
    (bytes((i * 7 % 100) as usize, i), (i * 0x0101_0101) as u32)
}

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Tick([u64; 3]);

pub(crate) fn tick(i: u64) -> Tick {
    Tick([i, !i, i * i])
}

/// With what words the reader refuses the ring at `path`.
pub(crate) fn refusal(path: &Path) -> String {
    let output = reader(path, &[]).output().expect("python3, which this test needs");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).expect("text")
}

/// Spoils each field of the identity of the ring at `path` in turn: each is refused by the name
/// that `told` gives it.
pub(crate) fn refuses_each_field(path: &Path, told: impl Fn(&'static str) -> &'static str) {
    let raw = Raw::open(path);
    for Field { name, at, len } in IDENTITY {
        if ["compat", "type_tag", "reserved"].contains(name) {
            continue;
        }
        let whole = raw.get(0, 256);
        raw.set(*at, &vec![0xff; *len]);
        if *name != "checksum" {
            raw.mend_checksum();
        }
        let refusal = refusal(path);
        assert!(refusal.starts_with(&format!("read_ring.py: {} is ", told(name))), "{name}: {refusal}");
        raw.set(0, &whole);
    }
}

/// Follows the ring at `path` message by message: of message `i` the reader tells what `expected`
/// says, and then it is released.
pub(crate) fn follow(
    path: &Path,
    messages: u64,
    mut expected: impl FnMut(u64) -> String,
    mut release: impl FnMut(),
) {
    let mut child = reader(path, &["--wait", "20", "--count", &messages.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3, which this test needs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    for i in 0..messages {
        assert_eq!(lines.next().expect("a line").expect("text"), expected(i));
        release();
    }
    assert!(child.wait().expect("its end").success());
}

/// What the others send meanwhile: message `i` has the tag `i`.
pub(crate) fn numbered(i: u64) -> Vec<u8> {
    bytes((i * 7 % 100) as usize, i)
}

/// Reads 500 (or all of the last slot) [`numbered`] messages of the ring at `path` while others send and receive, until
/// this says that it is `over`: each is told as it was sent. Gives the position and the number
/// of each.
pub(crate) fn read_beside(path: &Path, over: &AtomicBool) -> Vec<(u64, u64)> {
    let read = reader(path, &["--wait", "20", "--count", "500"]).output();
    over.store(true, Relaxed);
    let output = read.expect("python3, which this test needs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("text");
    let told: Vec<_> = lines
        .lines()
        .map(|line| {
            let number = |name: &str| -> u64 {
                let (_, rest) = line.split_once(&format!(r#""{name}": "#)).expect("it");
                rest.split_once(',').expect("more").0.parse().expect("a number")
            };
            let (position, i) = (number("position"), number("tag"));
            assert_eq!(line, line_of_frame(position, i as u32, &numbered(i)));
            (position, i)
        })
        .collect();
    assert!(told.len() >= 500);
    assert!(told.is_sorted_by(|(_, before), (_, i)| before < i), "in order: {told:?}");
    let spanned = told[told.len() - 1].1 - told[0].1 + 1;
    println!("{} messages told of {spanned}", told.len());
    told
}
