//! What the criterion groups have in common: the loops of the ratios, as criterion runs them.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use ironring_bench::{
    contender::Contender,
    contest::{self, Cores, ROLES},
    length::Length,
    measure::Measure,
};
use ironring_testkit::{cores, roles};

pub(crate) type Contenders<'a> = &'a [(&'static str, Contender)];

/// Runs `groups` between two cores.
pub(crate) fn run(groups: impl FnOnce(&mut Criterion, Cores)) {
    roles::run(&ROLES);
    let [one, .., other] = cores()[..] else { panic!("two cores are needed to measure") };
    let mut criterion = Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    groups(&mut criterion, (one, other));
    criterion.final_summary();
}

/// One-way time of a ping-pong.
pub(crate) fn latency(criterion: &mut Criterion, cores: Cores, ring: &str, contenders: Contenders) {
    let group = format!("{ring}/latency");
    each(criterion, cores, &group, contenders, &[8, 48, 1024], |size, count| Measure::Latency {
        size,
        length: Length::Messages(count.max(2_000)),
    });
}

/// Time a message in a stream, sent singly and in batches of 32.
pub(crate) fn throughput(criterion: &mut Criterion, cores: Cores, ring: &str, contenders: Contenders) {
    for (batch, sizes) in [(1, &[8, 64, 256, 1024, 4096][..]), (32, &[8, 64])] {
        let group = format!("{ring}/throughput/batch-{batch}");
        each(criterion, cores, &group, contenders, sizes, |size, count| {
            Measure::stream(size, batch, Length::Messages(count.max(100_000)))
        });
    }
}

/// A group of one measure, for each contender and size.
pub(crate) fn each(
    criterion: &mut Criterion,
    cores: Cores,
    group: &str,
    contenders: Contenders,
    sizes: &[usize],
    measure: impl Fn(usize, u64) -> Measure,
) {
    let mut group = criterion.benchmark_group(group);
    for size in sizes {
        group.throughput(Throughput::Elements(1));
        for (name, contender) in contenders {
            group.bench_function(BenchmarkId::new(*name, size), |bencher| {
                bencher.iter_custom(|count| {
                    let outcome =
                        contest::run(*contender, measure(*size, count), cores).expect("messages in order");
                    Duration::from_nanos((outcome.ns() * count as f64) as u64)
                });
            });
        }
    }
    group.finish();
}
