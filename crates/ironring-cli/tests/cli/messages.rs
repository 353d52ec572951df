//! What is sent arrives: lines, chunks, and whatever is in them.

use super::start::Dir;

/// Sends `input` through a new ring, and expects it at the other end.
fn passes(input: &[u8], send: &str) {
    let dir = Dir::new();
    let receiver = dir.start("recv ring");
    dir.must(send, input);
    let ended = receiver.finish();
    assert_eq!((ended.status, ended.err.as_str()), (0, ""));
    assert!(ended.out == input, "{} bytes sent, {} received, or others", input.len(), ended.out.len());
}

#[test]
fn lines_arrive_as_they_were() {
    passes(b"one\n\n\ntwo\r\n  three\n", "send ring");
}

#[test]
fn a_last_line_without_a_newline_arrives_without_one() {
    passes(b"one\ntwo", "send ring");
    passes(b"x", "send ring");
}

#[test]
fn an_empty_input_arrives_as_an_empty_output() {
    passes(b"", "send ring");
    passes(b"", "send ring --chunk 1KiB");
}

#[test]
fn binary_input_arrives_as_it_was() {
    let bytes: Vec<u8> = (0..300_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(bytes.contains(&0) && bytes.contains(&b'\n'));
    passes(&bytes, "send ring");
    passes(&bytes, "send ring --chunk 64KiB");
    passes(&bytes, "send ring --chunk 1000");
}

#[test]
fn more_than_the_ring_holds_arrives_in_order() {
    let mut lines = Vec::new();
    for n in 0..60_000_usize {
        // Most are short; some are longer than what is gathered, or read, at once.
        let len = if n.is_multiple_of(1000) { n * 4 } else { n % 90 };
        lines.extend_from_slice(format!("{n} {}\n", "x".repeat(len)).as_bytes());
    }
    assert!(lines.len() > 4 << 20);
    passes(&lines, "send ring");
    passes(&lines, "send ring --chunk 64KiB");
}

#[test]
fn a_line_goes_out_while_the_input_stays_open() {
    let dir = Dir::new();
    let receiver = dir.start("recv ring");
    let mut sender = dir.start("send ring");
    sender.write(b"one\ntwo\nthr");
    receiver.wait_for_output(b"one\ntwo\n");
    sender.write(b"ee\n");
    receiver.wait_for_output(b"one\ntwo\nthree\n");
    assert_eq!(sender.finish().status, 0);
    assert_eq!(receiver.finish().status, 0);
}

#[test]
fn either_side_may_come_first() {
    let dir = Dir::new();
    let receiver = dir.start("recv first");
    dir.wait_for_stat("first", "the receiver is there", |stat| stat["receiver"]["state"] == "attached");
    dir.must("send first", "hello\n");
    assert_eq!(receiver.finish().out, b"hello\n");

    dir.must("send second", "hello\n");
    assert_eq!(dir.must("recv second", ""), b"hello\n");
    assert_eq!(dir.stat("first")["capacity"], dir.stat("second")["capacity"]);
}

#[test]
fn a_message_is_a_line() {
    let dir = Dir::new();
    dir.must("send ring", "one\ntwo\nthree\n");
    assert_eq!(dir.stat("ring")["messages"], 3);
    assert_eq!(dir.must("recv ring --count 1", ""), b"one\n");
    assert_eq!(dir.must("recv ring --count 2", ""), b"two\nthree\n");
}

#[test]
fn chunks_are_full_however_the_input_arrives() {
    let dir = Dir::new();
    let mut sender = dir.start("send ring --chunk 16");
    for byte in 0..40 {
        sender.write(&[byte]);
    }
    assert_eq!(sender.finish().status, 0);
    assert_eq!(dir.stat("ring")["messages"], 3);
    let all: Vec<u8> = (0..40).collect();
    assert_eq!(dir.must("recv ring --count 1", ""), all[..16]);
    assert_eq!(dir.must("recv ring --count 1", ""), all[16..32]);
    assert_eq!(dir.must("recv ring --count 1", ""), all[32..]);
}

#[test]
fn count_leaves_the_rest() {
    let dir = Dir::new();
    dir.must("send ring", "one\ntwo\nthree\n");
    assert_eq!(dir.must("recv ring --count 0", ""), b"");
    assert_eq!(dir.must("recv ring --count 2", ""), b"one\ntwo\n");
    assert_eq!(dir.stat("ring")["messages"], 1);
    // Fewer than asked for, since the sender has gone.
    assert_eq!(dir.must("recv ring --count 2", ""), b"three\n");
}

#[test]
fn a_ring_may_be_named_by_a_path() {
    let dir = Dir::new();
    let path = dir.path("by-path");
    let path = path.to_str().expect("plain letters");
    dir.must(&format!("send {path}"), "hello\n");
    assert_eq!(dir.must("recv by-path", ""), b"hello\n");
}
