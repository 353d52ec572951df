//! The SPSC ring between two processes, and rtrb between two threads, through the same
//! loops: `cargo bench --bench spsc`.

mod groups;

use ironring_bench::{contender::Contender, report::Form};

const CAPACITY: u64 = 256 << 10;

fn main() {
    let contenders = [
        ("bytes", Contender::spsc(Form::Bytes, CAPACITY)),
        ("typed", Contender::spsc(Form::Typed, CAPACITY)),
        ("rtrb", Contender::Rtrb { capacity: CAPACITY, pauses: 16 }),
    ];
    groups::run(|criterion, cores| {
        groups::latency(criterion, cores, "spsc", &contenders);
        groups::throughput(criterion, cores, "spsc", &contenders);
    });
}
