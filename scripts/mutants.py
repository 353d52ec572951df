#!/usr/bin/env python3
"""Shows that the tests fail where the code is wrong: see docs/TESTING.md.

Each mutant in mutants.toml is one deliberate fault. This copies the tree, runs the tests
that the chosen mutants name on it as it is, then puts in one fault after the other and
expects the test that the mutant names to fail. A mutant that survives, that does not
compile, or whose text is not found exactly once makes the run fail.
"""

import argparse
import collections
import concurrent.futures
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = pathlib.Path(tempfile.gettempdir()) / f"ironring-mutants-{os.getuid()}"
TIMEOUT_S = 300
# Built as quickly as may be, and run as fast as loom needs.
QUICK = {
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
    "CARGO_PROFILE_RELEASE_DEBUG": "0",
    "CARGO_PROFILE_RELEASE_INCREMENTAL": "true",
}

Result = collections.namedtuple("Result", "compiled passed hung output")


def tree(suite):
    """The copy that a suite is built from. Those of loom have their own: they run beside the others."""
    return WORK / ("tree-loom" if suite == "loom" else "tree")


def run_test(suite, target, name):
    """Runs the test called `name` of a test target; it must be there."""
    folder = tree(suite) / "loom-tests" if suite == "loom" else tree(suite)
    environment = dict(os.environ, **QUICK, CARGO_TARGET_DIR=str(WORK / f"target-{suite}"))
    if suite == "loom":
        environment["RUSTFLAGS"] = "--cfg loom"
    chosen = ["--lib"] if target == "lib" else ["--test", target]
    command = ["cargo", "test", "--quiet", "--release", *chosen]
    command += {"main": ["--all-features"], "cli": ["--package", "ironring-cli"], "loom": []}[suite]
    build = subprocess.run(
        [*command, "--no-run"], cwd=folder, env=environment, capture_output=True, text=True
    )
    if build.returncode != 0:
        return Result(False, False, False, build.stderr)
    process = subprocess.Popen(
        [*command, "--", "--exact", name],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
        return Result(True, False, True, output)
    ran = re.search(r"^running (\d+) tests?$", output, re.MULTILINE)
    if ran is None or int(ran[1]) != 1:
        sys.exit(f"{target} has no test {name}\n{output}")
    return Result(True, process.returncode == 0, False, output)


def split_test(mutant):
    suite, target, name = mutant["test"].split("::", 2)
    return suite, target, name


def unmutated_passes(mutants):
    """Runs every test that a mutant names, on the tree as it is."""
    targets = collections.defaultdict(set)
    for mutant in mutants:
        suite, target, name = split_test(mutant)
        targets[suite, target].add(name)
    for (suite, target), names in sorted(targets.items()):
        for name in sorted(names):
            result = run_test(suite, target, name)
            if not result.passed:
                print(result.output)
                print(f"FAILS without a mutation: {suite}::{target}::{name}")
                return False
        print(f"passes without a mutation: {suite}::{target}, {len(names)} tests", flush=True)
    return True


def is_caught(mutant):
    """Puts the fault in, runs the mutant's test, takes the fault out again."""
    suite, target, name = split_test(mutant)
    path = tree(suite) / mutant["file"]
    original = path.read_text()
    found = original.count(mutant["old"])
    if found != 1:
        print(f"BROKEN {mutant['name']}: its text is there {found} times in {mutant['file']}")
        return False
    path.write_text(original.replace(mutant["old"], mutant["new"]))
    try:
        start = time.monotonic()
        result = run_test(suite, target, name)
        seconds = time.monotonic() - start
    finally:
        path.write_text(original)
    if not result.compiled:
        print(f"BROKEN {mutant['name']}: it does not compile\n{result.output}")
        return False
    if result.passed:
        print(f"SURVIVED {mutant['name']}: {mutant['test']} passes")
        return False
    print(f"caught {mutant['name']} by {mutant['test']}, {seconds:.0f} s: {why_failed(result)}", flush=True)
    return True


def why_failed(result):
    """What the test said first, so that a reader sees whether it failed for the fault's sake."""
    if result.hung:
        return f"it did not end in {TIMEOUT_S} s"
    said = re.search(r"panicked at .*\n(.*)", result.output)
    return said[1][:70] if said else "it ended without a word"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these mutants only")
    parser.add_argument("--list", action="store_true", help="list the mutants")
    arguments = parser.parse_args()
    table = tomllib.loads((ROOT / "scripts" / "mutants.toml").read_text())["mutant"]
    names = [mutant["name"] for mutant in table]
    if len(set(names)) != len(names):
        sys.exit("two mutants have one name")
    if arguments.list:
        for mutant in table:
            print(f"{mutant['name']}: {mutant['test']}")
        return
    chosen = arguments.only or names
    if unknown := set(chosen) - set(names):
        sys.exit(f"no such mutant: {' '.join(sorted(unknown))}")
    mutants = [mutant for mutant in table if mutant["name"] in chosen]

    WORK.mkdir(mode=0o700, exist_ok=True)
    lock = (WORK / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    lines = collections.defaultdict(list)
    for mutant in mutants:
        lines[tree(split_test(mutant)[0])].append(mutant)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        caught = sum(pool.map(caught_in, lines.keys(), lines.values()))
    print(f"{caught} of {len(mutants)} mutants caught")
    sys.exit(caught != len(mutants))


def caught_in(copy, mutants):
    """How many of these are caught, one after the other, in this copy of the tree."""
    shutil.rmtree(copy, ignore_errors=True)
    # With new times of change, so that cargo takes nothing for built that was mutated.
    shutil.copytree(
        ROOT, copy, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("target", ".git")
    )
    return sum([is_caught(mutant) for mutant in mutants]) if unmutated_passes(mutants) else 0


if __name__ == "__main__":
    main()
