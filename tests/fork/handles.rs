//! Handles that a fork has inherited.

use std::{
    io::{Read, Write, pipe},
    os::unix::fs::MetadataExt,
    ptr,
    time::Duration,
};

use ironring::{
    Error, Options, RecvError, SendError, State,
    spsc::{Consumer, Producer, Ring},
};
use ironring_testkit::{Args, roles::RoleFn};

use crate::support::{
    forks::{fork, join},
    shared_memory,
};

pub(crate) const ROLES: [(&str, RoleFn); 6] = [
    ("every_call_of_an_inherited_byte_handle_says_forked", every_call_says_forked),
    ("every_call_of_an_inherited_typed_handle_says_forked", every_typed_call_says_forked),
    ("dropped_in_the_child_it_stays_with_the_parent", dropped_in_the_child),
    ("dropped_in_the_child_it_unmaps_nothing_of_the_child", unmaps_nothing_of_the_child),
    ("child_attaches_by_the_inherited_ring_when_its_parent_lets_go", child_attaches),
    ("grandchild_and_child_are_told_apart", grandchild_and_child),
];

/// A ring in a file, and one in a memfd; with messages from 0 on to be received.
fn rings(test: impl Fn(&Ring<[u8]>, &mut Producer<[u8]>, &mut Consumer<[u8]>)) {
    let dir = shared_memory();
    let options = Options::bytes(256);
    for ring in [Ring::create(dir.path().join("ring"), &options), Ring::anonymous(&options)] {
        let ring = ring.expect("a ring");
        let (mut producer, mut consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
        test(&ring, &mut producer, &mut consumer);
    }
}

fn every_call_says_forked(_: Args) {
    rings(|_, producer, consumer| {
        producer.try_send(b"sent").expect("room");
        producer.stage(b"staged").expect("room");
        let len = producer.len();
        join(fork(|| {
            let soon = Duration::ZERO;
            assert_eq!(producer.try_send(b"x"), Err(SendError::Forked));
            assert_eq!(producer.send(b"x"), Err(SendError::Forked));
            assert_eq!(producer.send_by(b"x", soon), Err(SendError::Forked));
            assert_eq!(producer.stage(b"x"), Err(SendError::Forked));
            assert_eq!(producer.claim(1).map(drop), Err(SendError::Forked));
            assert_eq!(producer.claim_by(1, soon).map(drop), Err(SendError::Forked));
            assert_eq!(producer.send_batch(["x", "y"]), (0, Err(SendError::Forked)));
            assert_eq!(producer.publish(), Err(SendError::Forked));
            producer.discard_staged();
            assert_eq!((producer.len(), producer.last_published()), (0, None));

            let mut buf = [0; 8];
            assert_eq!(consumer.try_recv().map(drop), Err(RecvError::Forked));
            assert_eq!(consumer.recv().map(drop), Err(RecvError::Forked));
            assert_eq!(consumer.recv_by(soon).map(drop), Err(RecvError::Forked));
            assert_eq!(consumer.recv_into(&mut buf), Err(RecvError::Forked));
            assert_eq!(consumer.recv_into_by(&mut buf, soon), Err(RecvError::Forked));
            assert_eq!(consumer.recv_batch(1).map(drop), Err(RecvError::Forked));
            assert_eq!(consumer.recv_batch_by(1, soon).map(drop), Err(RecvError::Forked));
            assert_eq!(consumer.try_recv_batch(1).map(drop), Err(RecvError::Forked));
            assert_eq!((consumer.len(), consumer.is_empty()), (0, true));
        }));
        // The parent notices nothing.
        assert_eq!(producer.len(), len);
        producer.publish().expect("published");
        for expected in ["sent", "staged"] {
            assert_eq!(consumer.try_recv().expect("it").to_vec(), expected.as_bytes());
        }
        assert!(consumer.is_empty());
    });
}

fn every_typed_call_says_forked(_: Args) {
    let ring = Ring::<u64>::anonymous(&Options::messages(4)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
    producer.try_send(&1).expect("room");
    join(fork(|| {
        assert_eq!(producer.try_send(&2), Err(SendError::Forked));
        assert_eq!(producer.send(&2), Err(SendError::Forked));
        assert_eq!(producer.stage(&2), Err(SendError::Forked));
        assert_eq!(producer.send_batch(&[2, 3]), (0, Err(SendError::Forked)));
        assert_eq!(producer.claim().map(drop), Err(SendError::Forked));
        assert_eq!(producer.publish(), Ok(()), "nothing is staged");
        assert_eq!((producer.len(), producer.last_published()), (0, None));
        assert_eq!(consumer.recv_value(), Err(RecvError::Forked));
        assert_eq!(consumer.try_recv().map(drop), Err(RecvError::Forked));
        assert_eq!((consumer.len(), consumer.is_empty()), (0, true));
    }));
    assert_eq!((consumer.recv_value(), consumer.len()), (Ok(1), 0));
}

fn dropped_in_the_child(_: Args) {
    rings(|ring, producer, consumer| {
        for i in 0..3_u8 {
            producer.try_send(&[i]).expect("room");
            let held = consumer.try_recv().expect("it");
            join(fork(|| {
                drop(held);
                // SAFETY: the child's copies are not used again, here or by the parent.
                drop(unsafe { ptr::read(producer) });
                // SAFETY: as above; `held`, which borrowed it, is gone.
                drop(unsafe { ptr::read(ring) });
            }));
        }
        assert_eq!(ring.presence(ironring::Role::Producer).expect("presence").state, State::Attached);
        assert_eq!(ring.presence(ironring::Role::Consumer).expect("presence").state, State::Attached);
        assert!(matches!(ring.producer(), Err(Error::Busy { .. })));
        assert!(matches!(ring.consumer(), Err(Error::Busy { .. })));
        producer.try_send(b"after").expect("room");
        assert_eq!(consumer.try_recv().expect("it").to_vec(), b"after");
    });
}

/// The addresses at which this process maps the file of this inode, in turn.
fn mappings_of(inode: u64) -> Vec<(usize, usize)> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
    let range = |line: &str| {
        let (from, rest) = line.split_once('-')?;
        let to = rest.split_once(' ')?.0;
        Some((usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?))
    };
    maps.lines()
        .filter(|line| line.split_whitespace().nth(4) == Some(&inode.to_string()))
        .filter_map(range)
        .collect()
}

fn unmaps_nothing_of_the_child(_: Args) {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = Ring::<[u8]>::create(&path, &Options::bytes(4096)).expect("a ring");
    let inode = path.metadata().expect("its inode").ino();
    let before = mappings_of(inode);
    let handles = (ring.producer().expect("it"), ring.consumer().expect("it"));
    let with_handles = mappings_of(inode);
    assert!(with_handles.len() > before.len(), "{with_handles:x?}");
    join(fork(|| {
        let inherited = mappings_of(inode);
        let mut holes = with_handles.clone();
        holes.retain(|(from, to)| !inherited.iter().any(|(f, t)| f < to && from < t));
        assert!(!holes.is_empty(), "the handles' mappings are not inherited: {inherited:x?}");
        let map = |(from, to): (usize, usize)| {
            let fixed = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
            let rights = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: replaces nothing that is mapped.
            let new =
                unsafe { libc::mmap(ptr::without_provenance_mut(from), to - from, rights, fixed, -1, 0) };
            assert_eq!(new.addr(), from, "{}", std::io::Error::last_os_error());
            new.cast::<u8>()
        };
        let own: Vec<_> = holes.iter().map(|hole| (map(*hole), hole.1 - hole.0)).collect();
        for (page, len) in &own {
            // SAFETY: that many bytes were mapped there, and nothing else uses them.
            unsafe { ptr::write_bytes(*page, 0x5a, *len) };
        }
        drop(handles);
        for (page, len) in &own {
            // SAFETY: as above, if they were not unmapped; then this crashes.
            let bytes = unsafe { std::slice::from_raw_parts(*page, *len) };
            assert!(bytes.iter().all(|byte| *byte == 0x5a), "the child's own memory is as it was");
        }
    }));
}

fn child_attaches(_: Args) {
    let dir = shared_memory();
    let options = Options::bytes(256);
    for ring in [Ring::<[u8]>::create(dir.path().join("ring"), &options), Ring::anonymous(&options)] {
        let ring = ring.expect("a ring");
        let mut producer = ring.producer().expect("it");
        producer.try_send(b"parent").expect("room");
        let parent = std::process::id();
        let (mut busy_seen, mut tell_busy_seen) = pipe().expect("a pipe");
        let (mut let_go, mut tell_let_go) = pipe().expect("a pipe");
        let child = fork(|| {
            let error = ring.producer().expect_err("the parent holds it");
            assert!(matches!(error, Error::Busy { holder, .. } if holder.pid == parent), "{error}");
            tell_busy_seen.write_all(b"!").expect("told");
            let_go.read_exact(&mut [0]).expect("told");
            assert_eq!(producer.try_send(b"x"), Err(SendError::Forked), "still its parent's");
            let mut own = ring.producer().expect("the parent let go");
            own.try_send(b"child").expect("room");
            let holder = ring.presence(ironring::Role::Producer).expect("presence").holder;
            assert_eq!(holder.pid, std::process::id());
        });
        busy_seen.read_exact(&mut [0]).expect("the child says so");
        drop(producer);
        tell_let_go.write_all(b"!").expect("told");
        join(child);
        let mut consumer = ring.consumer().expect("it");
        for expected in ["parent", "child"] {
            assert_eq!(consumer.try_recv().expect("it").to_vec(), expected.as_bytes());
        }
        // The child ended without letting go, or after: either way the role is free.
        ring.producer().expect("the child is gone");
    }
}

fn grandchild_and_child(_: Args) {
    let ring = Ring::<u64>::anonymous(&Options::messages(64)).expect("a ring");
    join(fork(|| {
        let mut producer = ring.producer().expect("nobody has it");
        producer.try_send(&1).expect("room");
        join(fork(|| {
            assert_eq!(producer.try_send(&2), Err(SendError::Forked));
            let mut consumer = ring.consumer().expect("nobody has it");
            assert_eq!(consumer.recv_value(), Ok(1));
            join(fork(|| {
                assert_eq!(consumer.recv_value(), Err(RecvError::Forked));
                assert_eq!(producer.try_send(&2), Err(SendError::Forked));
            }));
        }));
        producer.try_send(&3).expect("room");
    }));
    assert_eq!(ring.consumer().expect("it").recv_value(), Ok(3));
    ring.producer().expect("it");
}
