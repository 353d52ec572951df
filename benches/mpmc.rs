//! The exchange ring and crossbeam's ArrayQueue among threads, and the exchange ring between
//! two processes, through the same loops: `cargo bench --bench mpmc`.

mod groups;

use ironring_bench::{
    contender::Contender,
    length::Length,
    measure::Measure,
    report::{Form, Sides},
    transport::BackOff,
};

const MESSAGES: u64 = 1024;

fn main() {
    let ring = |form, sides| Contender::mpmc(form, sides, MESSAGES);
    let among_threads = [
        ("bytes", ring(Form::Bytes, Sides::Threads)),
        ("typed", ring(Form::Typed, Sides::Threads)),
        ("array-queue", Contender::ArrayQueue { messages: MESSAGES, back_off: BackOff::Snooze }),
    ];
    let [bytes, typed, array_queue] = among_threads;
    let between_two = [bytes, typed, ("typed-processes", ring(Form::Typed, Sides::Processes)), array_queue];
    groups::run(|criterion, cores| {
        groups::latency(criterion, cores, "mpmc", &between_two);
        groups::throughput(criterion, cores, "mpmc", &between_two);
        for pairs in [2, 4] {
            let group = format!("mpmc/crowd/{pairs}P{pairs}C");
            groups::each(criterion, cores, &group, &among_threads, &[8, 64, 1024], |size, count| {
                Measure::crowd(size, pairs, Length::Messages(count.max(20_000) / pairs as u64))
            });
        }
    });
}
