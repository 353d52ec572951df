#!/usr/bin/env python3
"""Counts the instructions of the hot paths with callgrind, and fails where one has grown.

    scripts/instructions.py              count, and compare with crates/ironring-bench/instructions.toml
    scripts/instructions.py --write      count, and write that file
    scripts/instructions.py --profile    in which functions they are, as the tables of docs/PROFILES.md

A count is of one message on one side of a ring, in one thread, neither full nor empty: the difference of a
long run and a short one, so that what happens once is not in it. Counts belong to one compiler; with another
one they are told, and nothing fails.
"""
import collections
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

FILE = pathlib.Path("crates/ironring-bench/instructions.toml")
RINGS, SIZES, SIDES = ["spsc-bytes", "spsc-typed", "mpmc-bytes", "mpmc-typed"], [8, 64], ["send", "recv"]
# Messages of the two runs.
SHORT, LONG = 20_000, 60_000
# A count may grow by so much.
TOLERANCE = 0.05
HEADING = """\
# Instructions a message, by scripts/instructions.py --write: what callgrind counts of one side of a ring in one
# thread. CI fails where one of them has grown by more than 5 percent.
"""


def build():
    """The program to count, as it is released."""
    command = ["cargo", "build", "--release", "--quiet", "-p", "ironring-bench", "--bin", "instructions",
               "--message-format", "json"]
    messages = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return re.search(r'"executable":"([^"]+)"', messages).group(1)


def lines(program, ring, size, side, count):
    """Instructions of one side in a run of so many messages: by file and line, inlined ones where they come from."""
    found, here = collections.Counter(), None
    with tempfile.NamedTemporaryFile() as out:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", "--compress-pos=no",
                   "--compress-strings=no", "--collect-atstart=no", f"--toggle-collect=*{side}_four*",
                   program, ring, str(size), str(count)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        text = iter(pathlib.Path(out.name).read_text().splitlines())
    for line in text:
        if line[:3] in ("fl=", "fi=", "fe="):
            here = line[3:]
        elif line.startswith("calls="):
            # What was called is counted where it is.
            next(text)
        elif re.fullmatch(r"\d+ \d+", line):
            number, cost = line.split()
            found[here, int(number)] += int(cost)
    return found


def count(program, ring, size, side):
    """Instructions a message, by file and line."""
    short, long = (lines(program, ring, size, side, messages) for messages in (SHORT, LONG))
    return {place: (long[place] - short[place]) / (LONG - SHORT) for place in long}


def enclosing(place):
    """The function around a line of this project; of others' files, their name."""
    file, line = place
    here = pathlib.Path(file)
    if not here.is_relative_to(pathlib.Path.cwd()):
        known = re.search(r"(?:library|registry/src/[^/]+)/(.*)", file)
        return f"`{known.group(1) if known else here.name}`"
    above = here.read_text().splitlines()[:line]
    names = [match.group(1) for one in above if (match := re.search(r"\bfn (\w+)", one))]
    # What the compiler gives no line is of no function.
    function = f": `{names[-1]}`" if names else ""
    return f"`{here.relative_to(pathlib.Path.cwd())}`{function}"


def profile(program):
    """Tables of the functions that take most, of one message of 8 bytes."""
    for ring in ("spsc-typed", "mpmc-typed"):
        for side in SIDES:
            functions = collections.Counter()
            for place, instructions in count(program, ring, 8, side).items():
                functions[enclosing(place)] += instructions
            total = sum(functions.values())
            print(f"### {ring}, 8 bytes, {side}: {total:.1f} instructions a message\n\n| where | instructions | share |\n|---|---|---|")
            for name, instructions in functions.most_common():
                if instructions >= 0.02 * total:
                    print(f"| {name} | {instructions:.1f} | {instructions / total:.0%} |")
            print()


def compare(found, compiler):
    """Says how each count has changed; whether one has grown too much."""
    kept = tomllib.loads(FILE.read_text())
    wrong = [f"{FILE} is not of the paths that are counted"] if kept["counts"].keys() != found.keys() else []
    for name, now in found.items():
        before = kept["counts"].get(name, now)
        print(f"{name:22} {before:8.1f} kept, {now:8.1f} now, {100 * (now / before - 1):+6.1f} percent")
        if now > before * (1 + TOLERANCE):
            wrong.append(f"{name} took {before} instructions a message, and takes {now:.1f}: find out why, or, if it "
                         "must be so, run scripts/instructions.py --write and say why in the commit")
    if compiler != kept["compiler"]:
        print(f"nothing fails: the counts that are kept are of {kept['compiler']}, this is {compiler}", *wrong, sep="\n")
        return False
    print(*wrong or [f"no count has grown by more than {TOLERANCE:.0%}"], sep="\n")
    return bool(wrong)


def main():
    program = build()
    if sys.argv[1:] == ["--profile"]:
        return profile(program)
    compiler = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    found = {f"{ring}-{size}-{side}": sum(count(program, ring, size, side).values())
             for ring in RINGS for size in SIZES for side in SIDES}
    if sys.argv[1:] == ["--write"]:
        entries = [f"{name} = {instructions:.1f}" for name, instructions in found.items()]
        FILE.write_text(HEADING + "\n".join([f'compiler = "{compiler}"', "", "[counts]", *entries]) + "\n")
    return compare(found, compiler)


sys.exit(main())
