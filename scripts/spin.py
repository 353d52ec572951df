#!/usr/bin/env python3
"""Has Spin search the models of models/exchange.toml: see models/README.md.

An honest model must be searched to its end without an error; with each fault put in, an
error must be found. Prints the models as the table that docs/TESTING.md has.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

MODELS = pathlib.Path(__file__).resolve().parent.parent / "models"
DEFAULTS = {"CAPACITY": 1, "PLACES": 2, "HELD": 2, "THREADS": 2, "OPERATIONS": 2, "CRASHES": 2}
ROLES = {"SENDERS": 255, "RECEIVERS": 255, "FORCERS": 0}
MAX_DEPTH = 20_000
TIMEOUT_S = 1800


def search(parameters, flags, ends, memory_mb):
    """Compiles a model and searches it; gives what the search said."""
    compiled = ["-DVECTORSZ=1024", f"-DMEMLIM={memory_mb}"]
    compiled += ["-DNP"] if ends else ["-DSAFETY", "-DCOLLAPSE"]
    # A fault is found sooner than the compiler is done with its work.
    compiled += ["-O0"] if flags else ["-O2"]
    defines = [f"-D{name}={value}" for name, value in parameters.items()] + [f"-D{flag}" for flag in flags]
    with tempfile.TemporaryDirectory(prefix="ironring-spin-") as folder:
        subprocess.run(["spin", "-a", *defines, str(MODELS / "exchange.pml")], cwd=folder, check=True)
        subprocess.run(["gcc", "-w", *compiled, "-o", "pan", "pan.c"], cwd=folder, check=True)
        arguments = ["./pan", f"-m{MAX_DEPTH}", *(["-l"] if ends else [])]
        ran = subprocess.run(
            arguments, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    return ran.stdout + ran.stderr


def found(output):
    """The first error that a search found, if any."""
    error = re.search(r"^pan:1: (.*) \(at depth", output, re.MULTILINE)
    return error and error[1]


def is_whole(output):
    """Whether a search came to its end without an error."""
    spoilt = ("not completed", "search depth too small", "out of memory", "hash table is full", "truncated")
    ended = re.search(r"errors: 0$", output, re.MULTILINE)
    return bool(ended) and not any(sign in output for sign in spoilt)


def unreached(output):
    """The lines of the model that no state of a search is at."""
    return {(file, int(line)) for file, line in re.findall(r"^\t(?:\S+?/)?(\w+\.pml):(\d+), state", output, re.MULTILINE)}


def number(pattern, output):
    return int(float(re.search(pattern, output, re.MULTILINE)[1]))


def row(model, output, ends):
    parameters = DEFAULTS | model["set"]
    roles = ", ".join(f"{name} {value:b}" for name, value in model["set"].items() if name in ROLES)
    states = number(r"^\s*([\d.e+]+) states, stored", output)
    depth = number(r"depth reached (\d+)", output)
    name = f"{model['name']}, for endless runs" if ends else model["name"]
    cells = [name, *(parameters[name] for name in DEFAULTS), roles, f"{states:,}", f"{depth:,}"]
    return "| " + " | ".join(map(str, cells)) + " |"


def search_honest(model, ends, memory_mb):
    output = search(model["set"], [], ends, memory_mb)
    if not is_whole(output):
        print(output)
        print(f"FAILED {model['name']}: {found(output) or 'the search did not come to its end'}")
        return None
    print(row(model, output, ends), flush=True)
    return unreached(output)


def search_fault(fault, models, memory_mb):
    model = models[fault["model"]]
    runs = (search(model["set"], ["A_FAULT", fault["flag"]], ends, memory_mb) for ends in {False, model.get("ends", False)})
    for output in runs:
        if error := found(output):
            print(f"found {fault['flag']}, {fault['what']}: {error}", flush=True)
            return True
    print(f"NOT FOUND {fault['flag']}, {fault['what']}")
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these models and faults only")
    parser.add_argument("--large", action="store_true", help="the large models too")
    parser.add_argument("--memory", type=int, default=3000, metavar="MB", help="what one search may take")
    arguments = parser.parse_args()
    table = tomllib.loads((MODELS / "exchange.toml").read_text())
    models = {model["name"]: model for model in table["model"]}
    names = set(models) | {fault["flag"] for fault in table["fault"]}
    if unknown := set(arguments.only or []) - names:
        sys.exit(f"no such model or fault: {', '.join(sorted(unknown))}")

    def is_chosen(name, large=False):
        return name in arguments.only if arguments.only else arguments.large or not large

    print("| model | " + " | ".join(name.lower() for name in DEFAULTS) + " | roles | states | depth |")
    print("|" + "---|" * (len(DEFAULTS) + 4))
    passed, never = True, None
    for model in models.values():
        if not is_chosen(model["name"], model.get("large", False)):
            continue
        for ends in [False, True] if model.get("ends") else [False]:
            lines = search_honest(model, ends, arguments.memory)
            passed &= lines is not None
            if lines is not None:
                never = lines if never is None else never & lines
    if never and not arguments.only:
        # What nothing comes to is not checked.
        passed = False
        print("no model comes to: " + ", ".join(f"{file}:{line}" for file, line in sorted(never)))
    for fault in table["fault"]:
        if is_chosen(fault["flag"]):
            passed &= search_fault(fault, models, arguments.memory)
    sys.exit(not passed)


if __name__ == "__main__":
    main()
