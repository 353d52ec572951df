//! Every contender carries messages as it should; one that does not is found out, and says so.

use std::{sync::atomic::AtomicBool, time::Duration};

use ironring::Wait;
use ironring_bench::{
    contender::{Contender, Kernel, Peer},
    contest::{self, Cores, Outcome, ROLES},
    fault::Fault,
    length::Length,
    measure::Measure,
    report::{Access, Form, Sides, Victim},
    transport::{BackOff, Defect, Idle},
};
use ironring_testkit::{cores, roles};
use libtest_mimic::{Arguments, Failed, Trial};

const FEW: Length = Length::Messages(500);

fn pair() -> Cores {
    let there = cores();
    (there[0], there[there.len() - 1])
}

/// All contenders, with their names and the sizes that are tried.
fn contenders() -> Vec<(String, Contender, &'static [usize])> {
    let mut all = Vec::new();
    for kernel in [
        Kernel::Pipe,
        Kernel::Fifo,
        Kernel::UnixStream,
        Kernel::UnixDgram,
        Kernel::UnixSeqpacket,
        Kernel::Tcp,
        Kernel::PosixMq,
        Kernel::SysvMq,
    ] {
        all.push((format!("{kernel:?}"), Contender::Kernel(kernel), &[8, 4096][..]));
    }
    let mut rings = Vec::new();
    for form in [Form::Bytes, Form::Typed] {
        rings.push((format!("spsc {form:?}"), Contender::spsc(form, 64 << 10)));
        for sides in [Sides::Processes, Sides::Threads] {
            rings.push((format!("mpmc {form:?} {sides:?}"), Contender::mpmc(form, sides, 64)));
        }
    }
    rings.push(("spsc in place".into(), Contender::spsc(Form::Bytes, 64 << 10).accessed(Access::InPlace)));
    rings.push((
        "mpmc in place".into(),
        Contender::mpmc(Form::Bytes, Sides::Processes, 64).accessed(Access::InPlace),
    ));
    for (name, ring) in rings {
        // Others may have this machine's cores: who spins waits for them.
        all.push((name, ring.waiting(Wait::Park), &[8, 4096][..]));
    }
    all.push(("rtrb".into(), Contender::Rtrb { capacity: 64 << 10, pauses: 16 }, &[8, 4096][..]));
    let back_off = BackOff::Snooze;
    all.push(("ArrayQueue".into(), Contender::ArrayQueue { messages: 64, back_off }, &[8, 4096][..]));
    if cfg!(feature = "peers") {
        for (name, peer, idle) in PEERS {
            all.push((name.into(), Contender::Peer { peer, messages: 64, idle }, &[8, 1024][..]));
        }
    }
    all
}

/// Other crates, in each of the ways in which they wait.
const PEERS: [(&str, Peer, Idle); 15] = [
    ("iceoryx2", Peer::Iceoryx2, Idle::Pauses(16)),
    ("iceoryx2 waiting", Peer::Iceoryx2, Idle::Waits),
    ("shmem-ipc", Peer::ShmemIpc, Idle::Pauses(16)),
    ("shmem-ipc waiting", Peer::ShmemIpc, Idle::Waits),
    ("ipc-channel", Peer::IpcChannel, Idle::Waits),
    ("cloudtoid", Peer::Cloudtoid, Idle::Pauses(16)),
    ("cloudtoid waiting", Peer::Cloudtoid, Idle::Waits),
    ("crossbeam-channel", Peer::CrossbeamChannel, Idle::Pauses(16)),
    ("crossbeam-channel waiting", Peer::CrossbeamChannel, Idle::Waits),
    ("disruptor", Peer::Disruptor, Idle::Pauses(16)),
    ("zeromq", Peer::ZeroMq, Idle::Waits),
    ("nng", Peer::Nng, Idle::Waits),
    ("boost-interprocess", Peer::BoostQueue, Idle::Pauses(16)),
    ("boost-interprocess waiting", Peer::BoostQueue, Idle::Waits),
    ("rte-ring", Peer::RteRing, Idle::Pauses(16)),
];

/// What a measurement gave, unless it is of a library that is looked for, and is not installed.
fn unless_missing(outcome: Result<Outcome, Fault>) -> Result<Option<Outcome>, Fault> {
    match outcome {
        Err(Fault::Unavailable(why)) if why.contains("apt-get install") => {
            println!("NOT RUN: {why}");
            Ok(None)
        }
        outcome => outcome.map(Some),
    }
}

/// A contender's messages go to and fro and in streams, and all come.
fn carries(contender: Contender, sizes: &[usize]) -> Result<(), Failed> {
    for size in sizes {
        let latency = Measure::Latency { size: *size, length: FEW };
        let Some(outcome) = unless_missing(contest::run(contender, latency, pair()))? else { return Ok(()) };
        assert_eq!(outcome.messages, 500);
        // All but the first eighth.
        assert_eq!(outcome.latencies.len(), 438);
        for batch in [1, 32] {
            let outcome = contest::run(contender, Measure::stream(*size, batch, FEW), pair())?;
            assert_eq!(outcome.messages, 500_u64.next_multiple_of(batch as u64));
            assert!(outcome.rate > 0.0 && outcome.cpu_ns > 0, "{outcome:?}");
        }
    }
    Ok(())
}

/// A ping-pong of what only wakes.
fn floors() -> Result<(), Failed> {
    for kernel in [Kernel::Futex, Kernel::Eventfd] {
        let measure = Measure::Latency { size: 8, length: FEW };
        assert_eq!(contest::run(Contender::Kernel(kernel), measure, pair())?.messages, 500);
        let fault =
            contest::run(Contender::Kernel(kernel), Measure::Latency { size: 16, length: FEW }, pair());
        assert!(matches!(fault, Err(Fault::Unavailable(_))), "{fault:?}");
    }
    Ok(())
}

/// Several producers and consumers, of different numbers: each message comes once.
fn crowds() -> Result<(), Failed> {
    let mut contenders = vec![
        Contender::mpmc(Form::Bytes, Sides::Processes, 64).waiting(Wait::Park),
        Contender::mpmc(Form::Typed, Sides::Threads, 64),
        Contender::Kernel(Kernel::SysvMq),
        Contender::Kernel(Kernel::UnixSeqpacket),
    ];
    if cfg!(feature = "peers") {
        let peers = [Peer::Cloudtoid, Peer::CrossbeamChannel, Peer::BoostQueue];
        contenders.extend(peers.map(|peer| Contender::Peer { peer, messages: 64, idle: Idle::Waits }));
    }
    for contender in contenders {
        for (producers, consumers) in [(2, 2), (3, 1), (1, 3)] {
            let measure = Measure::Throughput { size: 64, batch: 1, producers, consumers, length: FEW };
            let Some(outcome) = unless_missing(contest::run(contender, measure, pair()))? else { break };
            assert_eq!(outcome.messages, 500 * producers as u64, "{contender:?}");
        }
    }
    Ok(())
}

/// A measurement by time ends, and has counted something.
fn by_time() -> Result<(), Failed> {
    let length = Length::Time { warm: Duration::from_millis(5), measured: Duration::from_millis(20) };
    let ring = Contender::spsc(Form::Bytes, 64 << 10);
    assert!(contest::run(ring, Measure::Latency { size: 64, length }, pair())?.latencies.len() > 1);
    assert!(contest::run(ring, Measure::stream(1 << 14, 1, length), pair())?.rate > 0.0);
    Ok(())
}

/// The system calls of a message are those that the transport makes for it, in each process.
fn calls() -> Result<(), Failed> {
    let calls = |contender, batch| {
        let measure = Measure::stream(64, batch, FEW);
        contest::calls_per_message(contender, measure, pair(), &AtomicBool::new(false))
    };
    let pipe = Contender::Kernel(Kernel::Pipe);
    // A write and a read each, and one of either for the end.
    assert_eq!(calls(pipe, 1)?, 2.0 + 2.0 / 500.0);
    // Each batch is one write, and at least one read.
    let batched = calls(pipe, 32)?;
    assert!((2.0 / 32.0..1.5).contains(&batched), "{batched}");
    assert_eq!(calls(Contender::Kernel(Kernel::SysvMq), 1)?, 2.0 + 2.0 / 500.0);
    // Threads are traced too, and all messages come.
    let back_off = BackOff::Snooze;
    calls(Contender::ArrayQueue { messages: 64, back_off }, 1)?;
    Ok(())
}

/// Messages that are due at a pace all come, and each is timed.
fn paced() -> Result<(), Failed> {
    let length = Length::Time { warm: Duration::ZERO, measured: Duration::from_millis(200) };
    let back_off = BackOff::Snooze;
    for contender in [
        Contender::spsc(Form::Bytes, 64 << 10).waiting(Wait::Park),
        Contender::Kernel(Kernel::Pipe),
        Contender::ArrayQueue { messages: 64, back_off },
    ] {
        // The second is more than any of them takes.
        for rate in [2_000, 1_000_000_000] {
            let measure = Measure::OpenLoop { size: 64, rate, length };
            let outcome = contest::run(contender, measure, pair())?;
            assert!(outcome.messages > 0 && outcome.latencies.len() == outcome.messages, "{outcome:?}");
        }
    }
    Ok(())
}

/// While consumers that hold a message are killed, the others' messages come. What was held comes
/// again in the ring for many, and is lost in a queue of the kernel; nothing else is.
fn survivors() -> Result<(), Failed> {
    let length = Length::Time { warm: Duration::ZERO, measured: Duration::from_millis(800) };
    let ring = Contender::mpmc(Form::Bytes, Sides::Processes, 64).waiting(Wait::Park);
    for (contender, comes_again) in [(ring, true), (Contender::Kernel(Kernel::SysvMq), false)] {
        let measure = |victim| Measure::Survivors { size: 64, rate: 2_000, victim, length };
        let outcome = contest::run(contender, measure(Victim::Peer), pair())?;
        let kills = &outcome.deaths.kills;
        assert!(kills.iter().any(|kill| kill.held), "{outcome:?}");
        assert_eq!(kills.iter().any(|kill| kill.again_ns.is_some()), comes_again, "{outcome:?}");
        let gone = kills.iter().filter(|kill| kill.held && kill.again_ns.is_none()).count();
        assert_eq!(outcome.sent - outcome.messages, gone as u64, "{outcome:?}");
        assert_eq!(outcome.deaths.repeated, 0);

        let outcome = contest::run(contender, measure(Victim::Unrelated), pair())?;
        assert_eq!(outcome.sent, outcome.messages, "{outcome:?}");
        assert!(!outcome.deaths.kills.is_empty() && outcome.deaths.kills.iter().all(|kill| !kill.held));
    }
    Ok(())
}

/// What cannot be had is told by name, and nobody waits.
fn unavailable() -> Result<(), Failed> {
    let long = |size| Measure::stream(size, 1, FEW);
    for (contender, measure, why) in [
        (Contender::Kernel(Kernel::SysvMq), long(1 << 20), "/proc/sys/kernel/msgmax"),
        (Contender::Kernel(Kernel::UnixSeqpacket), long(64 << 20), "too long"),
        (Contender::Rtrb { capacity: 4096, pauses: 0 }, Measure::crowd(8, 2, FEW), "one producer"),
        (Contender::spsc(Form::Typed, 4096), long(40), "values of 40 bytes"),
    ] {
        match contest::run(contender, measure, pair()) {
            Err(Fault::Unavailable(reason)) => assert!(reason.contains(why), "{reason:?}"),
            other => return Err(format!("{contender:?} has {other:?}").into()),
        }
    }
    Ok(())
}

/// A transport with a defect fails, in both measures, and the message is named.
fn defects() -> Result<(), Failed> {
    let at = Defect::AT;
    for (defect, number, found) in [
        (Defect::Loses, at, format!("message {}", at + 1)),
        (Defect::Duplicates, at + 1, format!("message {at}")),
        (Defect::Reorders, at, format!("message {}", at + 1)),
        (Defect::Corrupts, at, String::new()),
    ] {
        let fault = contest::run(Contender::Broken(defect), Measure::stream(64, 1, FEW), pair());
        match fault {
            Err(Fault::Wrong { producer: 0, number: due, found: there, .. }) => {
                assert_eq!(due, number, "{defect:?}");
                assert!(there == found || found.is_empty(), "{defect:?}: {there}");
            }
            other => return Err(format!("{defect:?} has {other:?}").into()),
        }
    }
    let fault =
        contest::run(Contender::Broken(Defect::Corrupts), Measure::Latency { size: 64, length: FEW }, pair());
    assert!(matches!(fault, Err(Fault::Wrong { number, .. }) if number == at), "{fault:?}");
    Ok(())
}

/// A message that never comes keeps nobody waiting for ever.
fn stuck() -> Result<(), Failed> {
    let length = Length::Time { warm: Duration::ZERO, measured: Duration::from_millis(500) };
    let fault = contest::run(Contender::Broken(Defect::Loses), Measure::Latency { size: 64, length }, pair());
    assert_eq!(fault.err(), Some(Fault::Stuck { received: Defect::AT }));
    Ok(())
}

/// Who is told to stop does.
fn interrupted() -> Result<(), Failed> {
    let length = Length::Time { warm: Duration::ZERO, measured: Duration::from_secs(3600) };
    let measure = Measure::Latency { size: 64, length };
    let fault = contest::run_until(Contender::Kernel(Kernel::Pipe), measure, pair(), &AtomicBool::new(true));
    assert_eq!(fault.err(), Some(Fault::Interrupted));
    Ok(())
}

fn main() {
    roles::run(&ROLES);
    let mut trials: Vec<Trial> = contenders()
        .into_iter()
        .map(|(name, contender, sizes)| {
            Trial::test(format!("carries messages: {name}"), move || carries(contender, sizes))
        })
        .collect();
    for (name, test) in [
        ("the floors of blocking carry messages", floors as fn() -> Result<(), Failed>),
        ("crowds get each message once", crowds),
        ("a measurement by time ends", by_time),
        ("system calls are counted", calls),
        ("messages at a pace come", paced),
        ("survivors lose nothing but what a queue forgets", survivors),
        ("what cannot be had is told", unavailable),
        ("a transport with a defect is found out", defects),
        ("a message that never comes ends the measurement", stuck),
        ("who is told to stop does", interrupted),
    ] {
        trials.push(Trial::test(name, test));
    }
    libtest_mimic::run(&Arguments { test_threads: Some(1), ..Arguments::from_args() }, trials).exit();
}
