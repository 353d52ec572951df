//! The SPSC ring between two processes, and rtrb between two threads, through the same
//! loops: `cargo bench --bench spsc`.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use ironring_bench::contest::{self, Contender, Measure, ROLES};
use ironring_testkit::{cores, roles};

const CAPACITY: u64 = 256 << 10;

fn contenders() -> [(&'static str, Contender); 3] {
    [
        ("bytes", Contender::Bytes { capacity: CAPACITY }),
        ("typed", Contender::Typed { capacity: CAPACITY }),
        ("rtrb", Contender::Rtrb { capacity: CAPACITY, pauses: 16 }),
    ]
}

fn main() {
    roles::run(&ROLES);
    let [one, .., other] = cores()[..] else { panic!("two cores are needed to measure") };
    let mut criterion = Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    latency(&mut criterion, (one, other));
    for batch in [1, 32] {
        throughput(&mut criterion, (one, other), batch);
    }
    criterion.final_summary();
}

/// One-way time of a ping-pong.
fn latency(criterion: &mut Criterion, cores: contest::Cores) {
    let mut group = criterion.benchmark_group("spsc/latency");
    for size in [8, 48, 1024] {
        for (name, contender) in contenders() {
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter_custom(|count| {
                    let measure = Measure::Latency { size, count: count.max(2_000) };
                    nanoseconds(contest::run(contender, measure, cores), count)
                });
            });
        }
    }
    group.finish();
}

/// Time a message in a stream.
fn throughput(criterion: &mut Criterion, cores: contest::Cores, batch: usize) {
    let mut group = criterion.benchmark_group(format!("spsc/throughput/batch-{batch}"));
    for size in if batch == 1 { vec![8, 64, 256, 1024, 4096] } else { vec![8, 64] } {
        group.throughput(Throughput::Elements(1));
        for (name, contender) in contenders() {
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter_custom(|count| {
                    let enough = count.max(100_000).next_multiple_of(batch as u64);
                    let measure = Measure::Throughput { size, batch, count: enough };
                    nanoseconds(contest::run(contender, measure, cores), count)
                });
            });
        }
    }
    group.finish();
}

/// The time that `count` messages take at so many nanoseconds each.
fn nanoseconds(each: f64, count: u64) -> Duration {
    Duration::from_nanos((each * count as f64) as u64)
}
