#!/usr/bin/env python3
"""The dependency policy, checked: few in the library, from crates.io, freely licensed.

The library's direct dependencies are exactly those listed here, so that a new one is a
decision somebody made and not an accident.
"""
import json
import re
import subprocess
import sys

LIBRARY = {"bytemuck", "crc32fast", "crossbeam-utils", "libc", "loom", "memmap2", "thiserror"}
# Those of the feature `async`.
LIBRARY |= {"event-listener", "futures-core", "futures-sink"}
LICENCES = {
    "MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause",
    "BSL-1.0", "ISC", "Unicode-3.0", "Unlicense", "Zlib", "0BSD", "CC0-1.0", "MIT-0",
}
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"

command = ["cargo", "metadata", "--format-version", "1", "--locked"]
metadata = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
wrong = []


def allowed(expression):
    """Whether some alternative of an SPDX expression has only allowed licences."""
    alternatives = re.split(r"\s+OR\s+|/", expression.replace("(", "").replace(")", ""))
    return any(all(part in LICENCES for part in re.split(r"\s+AND\s+", one)) for one in alternatives)


for package in metadata["packages"]:
    name = f"{package['name']} {package['version']}"
    if package["source"] not in (None, CRATES_IO):
        wrong.append(f"{name} comes from {package['source']}, not from crates.io")
    if not allowed(package["license"] or ""):
        wrong.append(f"{name} has the licence {package['license']!r}, which is not on the list")
    if package["name"] == "ironring":
        direct = {d["name"] for d in package["dependencies"] if d["kind"] is None}
        if direct != LIBRARY:
            wrong.append(f"the library depends on {sorted(direct)}, the policy says {sorted(LIBRARY)}")

print(*wrong or [f"{len(metadata['packages'])} packages keep the dependency policy"], sep="\n")
sys.exit(bool(wrong))
