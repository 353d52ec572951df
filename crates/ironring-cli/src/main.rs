//! The binary `ironring`.

fn main() -> std::process::ExitCode {
    // This process may be one that a measurement has started.
    ironring_bench::take_part();
    ironring_cli::main(std::env::args_os())
}
