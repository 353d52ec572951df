#!/usr/bin/env python3
"""Wall time of a file through `ironring send` and `ironring recv`, against cat | cat.

Prints the table of docs/BENCHMARKS.md. Everything lies in memory (/dev/shm), about
three times the file's size. Each round runs all contenders once, in another order; a
ratio is the median over the rounds, with its 95 percent bootstrap interval. Every
output is compared with its input, byte by byte.

    scripts/throughput-vs-cat.py [--mib 1024] [--rounds 15] [--bin target/release/ironring]
"""

import argparse
import hashlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES, CHUNKS = "", "--chunk 64KiB"


def lines(path, size):
    """Numbered lines of 80 to 100 bytes, the last without a newline."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" * 2
    with open(path, "wb") as file:
        number = 0
        while file.tell() < size:
            block = [f"{n:010} {letters[: 68 + n * 7 % 21]}" for n in range(number, number + 10000)]
            file.write("\n".join(block).encode() + b"\n")
            number += 10000
        file.truncate(file.tell() - 1)


def binary(path, size):
    """Every byte there is, newlines and zeros among them, and no piece twice."""
    random_bytes = random.Random(1)
    with open(path, "wb") as file:
        while file.tell() < size:
            file.write(random_bytes.randbytes(1 << 20))


def shell(command, directory, tool):
    """Runs `command` and returns the seconds that it took."""
    subprocess.run([tool, "remove", "Q"], env=environment(directory), stderr=subprocess.DEVNULL, check=False)
    (directory / "out").unlink(missing_ok=True)
    start = time.perf_counter()
    subprocess.run(["bash", "-c", command], cwd=directory, env=environment(directory), check=True)
    return time.perf_counter() - start


def others_seconds():
    """Processor seconds that anything but this script and what it started has used."""
    busy = [int(ticks) for ticks in open("/proc/stat").readline().split()[1:9]]
    # user, nice, system, idle, iowait, irq, softirq, steal
    total = (sum(busy) - busy[3] - busy[4]) / os.sysconf("SC_CLK_TCK")
    return total - sum(os.times()[:4])


def environment(directory):
    return os.environ | {"IRONRING_DIR": str(directory / "rings")}


def through_ring(tool, file, how):
    return f"'{tool}' send Q {how} < {file} & '{tool}' recv Q > out && wait $!"


def compare(directory, file):
    subprocess.run(["cmp", file, "out"], cwd=directory, check=True)


def checksum(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def interval(values):
    """The 95 percent bootstrap interval of the median."""
    chance = random.Random(1)
    medians = sorted(median(chance.choices(values, k=len(values))) for _ in range(4000))
    return medians[99], medians[3899]


def measure(directory, tool, rounds):
    """Seconds of each contender in each round; the first round warms up."""
    contenders = {
        "cat": "cat lines | cat > out",
        "chunks": through_ring(tool, "lines", CHUNKS),
        "lines": through_ring(tool, "lines", LINES),
    }
    seconds = {name: [] for name in contenders}
    began, others = time.perf_counter(), others_seconds()
    for number in range(rounds + 1):
        order = random.Random(number).sample(sorted(contenders), len(contenders))
        for name in order:
            took = shell(contenders[name], directory, tool)
            compare(directory, "lines")
            if number > 0:
                seconds[name].append(took)
    load = (others_seconds() - others) / (time.perf_counter() - began)
    return seconds, load


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mib", type=int, default=1024, help="the file's size in MiB")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--bin", type=pathlib.Path, help="the command line to measure (built if not given)")
    args = parser.parse_args()
    tool = args.bin
    if tool is None:
        subprocess.run(["cargo", "build", "--release", "-p", "ironring-cli"], cwd=ROOT, check=True)
        tool = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "ironring"
    tool = str(tool.resolve())
    # So that the directory is removed then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="ironring-versus-cat-") as name:
        directory = pathlib.Path(name)
        (directory / "rings").mkdir(mode=0o700)
        lines(directory / "lines", args.mib << 20)
        seconds, load = measure(directory, tool, args.rounds)
        size = (directory / "lines").stat().st_size
        print(f"{size} bytes in lines of 80 to 100, {args.rounds} rounds, every output equal to its input;")
        print(f"{os.cpu_count()} processors, {load:.2f} of them busy with other things\n")
        print("| | median seconds | GiB/s | times cat, median (95 % interval) | to reach |")
        print("|---|---|---|---|---|")
        print(f"| `cat FILE \\| cat >out` | {median(seconds['cat']):.3f} | {rate(size, seconds['cat'])} | 1 | |")
        for contender, target in [("chunks", 1.0), ("lines", 2.0)]:
            ratios = [a / b for a, b in zip(seconds[contender], seconds["cat"])]
            low, high = interval(ratios)
            how = "send --chunk 64KiB" if contender == "chunks" else "send"
            print(
                f"| `ironring {how}` to `recv` | {median(seconds[contender]):.3f} "
                f"| {rate(size, seconds[contender])} | {median(ratios):.2f} ({low:.2f} to {high:.2f}) "
                f"| {target:.1f}, {'met' if high <= target else 'missed'} |"
            )
        print("\nSHA-256 at both ends:\n")
        print(f"    {checksum(directory / 'lines')}  lines without a final newline")
        (directory / "lines").unlink()
        binary(directory / "binary", args.mib << 20)
        for how in (CHUNKS, LINES):
            shell(through_ring(tool, "binary", how), directory, tool)
            compare(directory, "binary")
        print(f"    {checksum(directory / 'binary')}  random bytes, in chunks and in lines")


def rate(size, seconds):
    return f"{size / median(seconds) / (1 << 30):.2f}"


if __name__ == "__main__":
    sys.exit(main())
