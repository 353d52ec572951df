//! The SPSC ring between two processes, and rtrb between two threads, through the same
//! loops: `cargo bench --bench spsc`.

mod groups;

use ironring_bench::contest::{Contender, Form};

const CAPACITY: u64 = 256 << 10;

const CONTENDERS: [(&str, Contender); 3] = [
    ("bytes", Contender::Spsc { form: Form::Bytes, capacity: CAPACITY }),
    ("typed", Contender::Spsc { form: Form::Typed, capacity: CAPACITY }),
    ("rtrb", Contender::Rtrb { capacity: CAPACITY, pauses: 16 }),
];

fn main() {
    groups::run(|criterion, cores| {
        groups::latency(criterion, cores, "spsc", &CONTENDERS);
        groups::throughput(criterion, cores, "spsc", &CONTENDERS);
    });
}
