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

# What the benches alone need, and what would be built anew for each mutant of a test.
FOR_BENCHES = ("ironring-bench =", "criterion =")

# What cargo is to test, of each suite.
SUITES = {"main": ["--all-features"], "cli": ["--package", "ironring-cli"], "loom": []}

Result = collections.namedtuple("Result", "compiled passed hung output built_s ran_s")


class Lane:
    """A copy of the tree, in which one mutant after the other is built and run."""

    def __init__(self, name):
        self.name = name
        self.tree = WORK / f"tree-{name}"
        shutil.rmtree(self.tree, ignore_errors=True)
        # With new times of change, so that cargo takes nothing for built that was mutated.
        shutil.copytree(
            ROOT, self.tree, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("target", ".git")
        )
        manifest = self.tree / "Cargo.toml"
        lines = manifest.read_text().splitlines(keepends=True)
        manifest.write_text("".join(line for line in lines if not line.startswith(FOR_BENCHES)))

    def run_test(self, test):
        """Runs one test; it must be there."""
        suite, target, name = test
        folder = self.tree / "loom-tests" if suite == "loom" else self.tree
        environment = dict(os.environ, **QUICK, CARGO_TARGET_DIR=str(WORK / f"target-{self.name}-{suite}"))
        if suite == "loom":
            environment["RUSTFLAGS"] = "--cfg loom"
        chosen = ["--lib"] if target == "lib" else ["--test", target]
        command = ["cargo", "test", "--quiet", "--release", *SUITES[suite], *chosen]
        start = time.monotonic()
        build = subprocess.run(
            [*command, "--no-run"], cwd=folder, env=environment, capture_output=True, text=True
        )
        built = time.monotonic()
        if build.returncode != 0:
            return Result(False, False, False, build.stderr, built - start, 0)
        process = subprocess.Popen(
            [*command, "--", "--exact", name],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        hung = False
        try:
            output, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            hung = True
            os.killpg(process.pid, 9)
            output, _ = process.communicate()
        ran = re.search(r"^running (\d+) tests?$", output, re.MULTILINE)
        if not hung and (ran is None or int(ran[1]) != 1):
            raise SystemExit(f"{target} has no test {name}\n{output}")
        ran_s = time.monotonic() - built
        return Result(True, not hung and process.returncode == 0, hung, output, built - start, ran_s)

    def pass_unmutated(self, tests):
        """Whether these tests pass on the tree as it is."""
        start = time.monotonic()
        for test in sorted(tests):
            result = self.run_test(test)
            if not result.passed:
                print(f"{result.output}\nFAILS without a mutation: {'::'.join(test)}", flush=True)
                return False
        print(f"{len(tests)} tests pass without a mutation, {time.monotonic() - start:.0f} s", flush=True)
        return True

    def is_caught(self, mutant):
        """Puts the fault in, runs the mutant's test, takes the fault out again."""
        path = self.tree / mutant["file"]
        original = path.read_text()
        found = original.count(mutant["old"])
        if found != 1:
            print(f"BROKEN {mutant['name']}: its text is there {found} times in {mutant['file']}")
            return False
        path.write_text(original.replace(mutant["old"], mutant["new"]))
        try:
            result = self.run_test(test_of(mutant))
        finally:
            path.write_text(original)
        caught = result.compiled and not result.passed
        if not result.compiled:
            said = f"BROKEN {mutant['name']}: it does not compile\n{result.output}"
        elif caught:
            took = f"built in {result.built_s:.0f} s, run in {result.ran_s:.0f} s"
            said = f"caught {mutant['name']} by {mutant['test']}, {took}: {why_failed(result)}"
        elif skipped := re.search(r"SKIPPED:.*", result.output):
            said = f"NOT RUN {mutant['name']}: {mutant['test']} says {skipped[0]}"
        else:
            said = f"SURVIVED {mutant['name']}: {mutant['test']} passes"
        print(said, flush=True)
        return caught or said.startswith("NOT RUN")


def test_of(mutant):
    """Its suite, its target and its name."""
    return tuple(mutant["test"].split("::", 2))


def why_failed(result):
    """What the test said first, so that a reader sees whether it failed for the fault's sake."""
    if result.hung:
        return f"it did not end in {TIMEOUT_S} s"
    said = re.search(r"panicked at .*\n(.*)", result.output)
    return said[1][:70] if said else "it ended without a word"


def taken(take):
    """What is taken, until nothing is left."""
    while True:
        try:
            yield take()
        except IndexError:
            return


def count_caught(mutants, models_pass):
    """How many of these are caught, two at a time: the models know no time, so that they can be run
    beside a test or another model; of the tests, of which some look at the clock, there is one at a time."""
    models = collections.deque(mutant for mutant in mutants if test_of(mutant)[0] == "loom")
    others = collections.deque(mutant for mutant in mutants if test_of(mutant)[0] != "loom")
    lanes = [Lane("models"), Lane("others")]

    def pass_unmutated(lane, mutants):
        return lane.pass_unmutated({test_of(mutant) for mutant in mutants})

    def work(lane, *parts):
        """Takes mutants from each part in turn, if its tests pass without one, until none are left."""
        return sum(
            lane.is_caught(mutant) for passes, take in parts if passes.result() for mutant in taken(take)
        )

    with concurrent.futures.ThreadPoolExecutor() as pool:
        models_are_good = pool.submit(pass_unmutated, lanes[0], [] if models_pass else models)
        others_are_good = pool.submit(pass_unmutated, lanes[1], others)
        counts = [
            pool.submit(work, lanes[0], (models_are_good, models.popleft)),
            pool.submit(work, lanes[1], (others_are_good, others.popleft), (models_are_good, models.pop)),
        ]
        return sum(count.result() for count in counts)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these mutants only")
    parser.add_argument("--models-pass", action="store_true", help="do not run the models without a mutation")
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
    start = time.monotonic()
    caught = count_caught(mutants, arguments.models_pass)
    print(f"{caught} of {len(mutants)} mutants caught, in {time.monotonic() - start:.0f} s")
    sys.exit(caught != len(mutants))


if __name__ == "__main__":
    main()
