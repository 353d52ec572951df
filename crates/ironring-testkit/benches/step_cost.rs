//! How long one single step takes, with tracer and victim on one core and on two.

#[cfg(target_arch = "x86_64")]
fn main() -> std::io::Result<()> {
    use ironring_testkit::{Role, Step, cores, pin_to_core, roles};
    use std::time::Instant;

    const STEPS: u64 = 50_000;
    const MARKS: u64 = 10_000;

    fn nops(_: ironring_testkit::Args) {
        ironring_testkit::mark::begin();
        loop {
            // SAFETY: does nothing.
            unsafe { std::arch::asm!(".rept 100", "nop", ".endr", options(nomem, nostack)) };
        }
    }

    fn marks(_: ironring_testkit::Args) {
        loop {
            ironring_testkit::mark::begin();
            ironring_testkit::mark::end();
        }
    }

    roles::run(&[("nops", nops), ("marks", marks)]);
    let cores = cores();
    let places = [("one core", cores[0], cores[0]), ("two cores", cores[0], cores[cores.len() - 1])];
    for (name, victim_on, tracer_on) in places {
        let mut victim = Role::new("nops").pin(victim_on).spawn_traced()?;
        pin_to_core(tracer_on)?;
        let start = Instant::now();
        assert_eq!(victim.step(STEPS), Step::Inside { taken: STEPS });
        let micros = start.elapsed().as_secs_f64() * 1e6 / STEPS as f64;
        println!("{name}: {micros:.2} microseconds a step");
    }
    let mut victim = Role::new("marks").spawn_traced()?;
    let start = Instant::now();
    for _ in 0..MARKS {
        victim.run_to_end().map_err(std::io::Error::other)?;
        victim.run_to_begin().map_err(std::io::Error::other)?;
    }
    let micros = start.elapsed().as_secs_f64() * 1e6 / (2 * MARKS) as f64;
    println!("from mark to mark at full speed: {micros:.2} microseconds");
    let start = Instant::now();
    for _ in 0..100 {
        Role::new("nops").spawn_traced()?.kill();
    }
    let micros = start.elapsed().as_secs_f64() * 1e6 / 100.0;
    println!("a fresh victim, killed at its begin: {micros:.0} microseconds");
    Ok(())
}

#[cfg(not(target_arch = "x86_64"))]
fn main() {}
