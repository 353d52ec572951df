# Every task that a person does here; CI runs the same steps.

# Lists the tasks.
default:
    @just --list

# All that CI runs.
ci:
    .ci/run

# The tests, by the command that the README names.
test:
    scripts/check test

# Formatting, lints, documentation, dependencies, oldest Rust.
lint:
    scripts/check fmt clippy docs dependencies msrv

# The benchmark's page, opened in a browser.
page:
    scripts/check page

# Instructions of the hot paths, under callgrind; with --write, kept; with --profile, by function.
instructions *ARGS:
    scripts/instructions.py {{ARGS}}

# The loom models.
loom:
    scripts/check loom

# The models for Spin; with --large, the large ones too.
spin *ARGS:
    python3 scripts/spin.py {{ARGS}}

# Deliberate mutations of the code, each of which a test must catch.
mutants *ARGS:
    python3 scripts/mutants.py {{ARGS}}

# Which lines of the library the tests run; of some tests, if they are named.
coverage *TESTS:
    scripts/coverage.py {{TESTS}}

# Kills at every instruction, every case; the tests run a part of them.
kill-all:
    KILL_ALL=1 cargo test --release --test spsc_kill --test kill_every_instruction --test stopped_participants --test waiting_kills -- --nocapture

# Every word of a live ring set to every class of wrong value; the tests run a part of them.
hostile-all:
    HOSTILE_ALL=1 cargo test --release --test hostile_words

# The fuzz targets' bodies over inputs made by chance, for so many seconds each, without a fuzzer.
fuzz-short SECONDS="60":
    cd fuzz && FUZZ_SECONDS={{SECONDS}} cargo test --test short

# One of the fuzz targets, by cargo-fuzz, which needs the nightly toolchain, until it finds something.
fuzz TARGET *ARGS:
    cargo +nightly fuzz run --features libfuzzer {{TARGET}} -- -max_len=600 -close_fd_mask=3 {{ARGS}}

# Ten million sleeps and wake-ups across processes, with delays at random; the tests run a part of them.
wait-stress ROUNDS="10000000":
    WAIT_ROUNDS={{ROUNDS}} cargo test --release --test waiting_stress -- --nocapture

# Eight processes on one ring, killed and stopped at random for so many seconds.
soak SECONDS="3600":
    SOAK_SECONDS={{SECONDS}} cargo test --release --test kill_soak

# The ratios of docs/BENCHMARKS.md, on this machine.
ratios *ARGS:
    cargo run --release -p ironring-bench --bin ratios -- {{ARGS}}

# The exchange ring against capacity, size of messages and participants: the tables of docs/BENCHMARKS.md.
sweep *ARGS:
    cargo run --release -p ironring-bench --bin ratios -- --sweep {{ARGS}}

# The criterion groups.
bench *ARGS:
    cargo bench --bench spsc --bench mpmc {{ARGS}}

# Huge pages, population, locking, nodes: the table of docs/REGIONS.md (as root, for reserved pages and advice).
memory-table ROUNDS="25":
    MEMORY_ROUNDS={{ROUNDS}} cargo bench --bench memory

# Wall time of the command line against cat.
versus-cat:
    scripts/throughput-vs-cat.py
