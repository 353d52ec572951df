//! The exchange ring and crossbeam's ArrayQueue among threads, and the exchange ring between
//! two processes, through the same loops: `cargo bench --bench mpmc`.

mod groups;

use ironring_bench::{
    contest::{Contender, Form, Measure, Sides},
    transport::BackOff,
};

const MESSAGES: u64 = 1024;

const fn ring(form: Form, sides: Sides) -> Contender {
    Contender::Mpmc { form, sides, messages: MESSAGES, participants: 16, idle: 0 }
}

const AMONG_THREADS: [(&str, Contender); 3] = [
    ("bytes", ring(Form::Bytes, Sides::Threads)),
    ("typed", ring(Form::Typed, Sides::Threads)),
    ("array-queue", Contender::ArrayQueue { messages: MESSAGES, back_off: BackOff::Snooze }),
];

fn main() {
    let [bytes, typed, array_queue] = AMONG_THREADS;
    let between_two = [bytes, typed, ("typed-processes", ring(Form::Typed, Sides::Processes)), array_queue];
    groups::run(|criterion, cores| {
        groups::latency(criterion, cores, "mpmc", &between_two);
        groups::throughput(criterion, cores, "mpmc", &between_two);
        for pairs in [2, 4] {
            let group = format!("mpmc/crowd/{pairs}P{pairs}C");
            groups::each(criterion, cores, &group, &AMONG_THREADS, &[8, 64, 1024], |size, count| {
                Measure::Crowd { size, pairs, count: count.max(20_000).next_multiple_of(pairs as u64) }
            });
        }
    });
}
