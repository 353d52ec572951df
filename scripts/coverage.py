#!/usr/bin/env python3
"""Which lines of the library the tests run: see docs/TESTING.md, "Coverage".

    scripts/coverage.py [TEST...]   the unit tests (lib) and those of tests/, or these again
    scripts/coverage.py --report    what ran before, with the lines that did not run

Needs cargo-llvm-cov (cargo install cargo-llvm-cov --locked) and the tools of LLVM that belong to
the compiler (rustup component add llvm-tools).
"""

import argparse
import collections
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "target" / "llvm-cov-target"
# The counters lie in files that are mapped (%c), so that a process that is killed leaves what it
# had counted; one file for each program (%m).
PROFILES = "ironring-%m%c.profraw"
ENVIRONMENT = {
    "LLVM_PROFILE_FILE_NAME": PROFILES,
    "RUSTFLAGS": os.environ.get("RUSTFLAGS", "") + " -Cllvm-args=-runtime-counter-relocation",
    # Optimised, as tests expect that look at the clock, and built as quickly as may be.
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
    "CARGO_PROFILE_RELEASE_DEBUG": "0",
    # More of the same runs the same lines.
    "SOAK_SECONDS": "8",
    "WAIT_ROUNDS": "20000",
}
# These single-step, which takes hours with counters between the instructions.
STEPPING = ("kill_every_instruction", "spsc_kill", "stopped_participants", "waiting_kills")
# Not the library: what only models compile, and unit tests in files of their own.
OTHERS = ("model/", "observe/tests.rs")


def all_tests():
    tests = {path.stem for path in (ROOT / "tests").glob("*.rs")}
    tests |= {path.parent.name for path in (ROOT / "tests").glob("*/main.rs")}
    return ["lib", *sorted(tests.difference(STEPPING))]


def run(tests):
    chosen = [word for test in tests for word in (["--lib"] if test == "lib" else ["--test", test])]
    command = ["cargo", "llvm-cov", "--no-report", "--no-fail-fast", "--release", "--all-features", *chosen]
    return subprocess.run(command, cwd=ROOT, env=dict(os.environ, **ENVIRONMENT)).returncode


def tool(name):
    found = subprocess.run(["rustc", "--print", "target-libdir"], capture_output=True, text=True, check=True)
    return pathlib.Path(found.stdout.strip()).parent / "bin" / name


def programs():
    """The tests as built last."""
    newest = {}
    for path in (TARGET / "release" / "deps").iterdir():
        if path.is_file() and os.access(path, os.X_OK) and "." not in path.name:
            stem = path.name.rsplit("-", 1)[0]
            newest[stem] = max(newest.get(stem, path), path, key=lambda path: path.stat().st_mtime)
    return newest.values()


def counts():
    """How often each line ran, by file: the most that any program says. Of all programs at once,
    llvm-cov would take a function for unused that is so in the first of them."""
    profile = TARGET / "all.profdata"
    raw = sorted(TARGET.glob("*.profraw"))
    subprocess.run([tool("llvm-profdata"), "merge", "--sparse", "-o", profile, *raw], check=True)
    lines = collections.defaultdict(dict)
    for program in programs():
        export = [tool("llvm-cov"), "export", "--format=lcov", f"--instr-profile={profile}", program, ROOT / "src"]
        for word in subprocess.run(export, capture_output=True, text=True, check=True).stdout.splitlines():
            kind, _, rest = word.partition(":")
            if kind == "SF":
                file = pathlib.Path(rest).relative_to(ROOT / "src").as_posix()
            elif kind == "DA":
                line, count = map(int, rest.split(",")[:2])
                lines[file][line] = max(count, lines[file].get(line, 0))
    return {file: lines[file] for file in sorted(lines) if not file.startswith(OTHERS)}


def ranges(numbers):
    """15, 16, 17, 20 as 15-17, 20."""
    told = []
    for number in numbers:
        if told and told[-1][1] == number - 1:
            told[-1][1] = number
        else:
            told.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in told)


def report():
    files = counts()
    for file, lines in files.items():
        missed = sorted(line for line, count in lines.items() if count == 0)
        share = 100 * (len(lines) - len(missed)) / len(lines)
        print(f"{file:32} {len(lines):5} lines {share:6.1f} %  {ranges(missed)}")
    total = sum(map(len, files.values()))
    ran = sum(count > 0 for lines in files.values() for count in lines.values())
    print(f"{'all':32} {total:5} lines {100 * ran / total:6.2f} %, {total - ran} did not run")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", action="store_true", help="run nothing")
    parser.add_argument("tests", nargs="*")
    arguments = parser.parse_args()
    failed = 0
    if not arguments.report:
        if not arguments.tests:
            for old in TARGET.glob("*.profraw"):
                old.unlink()
        failed = run(arguments.tests or all_tests())
    report()
    sys.exit(failed)


if __name__ == "__main__":
    main()
