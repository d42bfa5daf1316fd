#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs fuzz targets for long, two processes each, and prints a table of what they did.

./run soak [TARGET...] [--executions N | --seconds S] [--max-length BYTES] builds them first. What is
found new stays in the corpus of the build folder; inputs that failed are kept beside it, and the
exit status is 1.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import time

JOBS = 2


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./run soak", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all without one")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--executions", type=int, help="of each target, all processes together")
    length.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--max-length", type=int, help="shorter inputs than a target's own limit "
                        "allows: more executions")
    parser.add_argument("--build", required=True, type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.options = read_options(arguments.build / "tests/fuzz/fuzz_targets.txt")
    arguments.targets = arguments.targets or list(arguments.options)
    for target in arguments.targets:
        if target not in arguments.options:
            parser.error(f"there is no target {target}; there are {', '.join(arguments.options)}")
    return arguments


def read_options(path):
    """libFuzzer's options of every target."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {name: options for name, *options in lines}


def start(arguments, target, job, folder):
    """One of a target's processes; all share a corpus, which is not read anew every second."""
    corpus = arguments.build / "tests/fuzz/corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    if arguments.executions:
        length = f"-runs={-(-arguments.executions // JOBS)}"
    else:
        length = f"-max_total_time={arguments.seconds}"
    command = [arguments.build / "bin" / f"fuzz_{target}", *arguments.options[target], length,
               *([f"-max_len={arguments.max_length}"] if arguments.max_length else []),
               "-print_final_stats=1", "-reload=30", f"-artifact_prefix={folder}/", corpus]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=open(folder / f"{job}.log", "wb"))


def last(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def summary(target, folder, seconds):
    """A row of the table."""
    logs = [(folder / f"{job}.log").read_text(errors="replace") for job in range(JOBS)]
    # A process that ends with a finding prints no statistics.
    runs = sum(max(last(r"number_of_executed_units: (\d+)", log), last(r"(?m)^#(\d+)", log))
               for log in logs)
    return {"target": target, "executions": runs, "exec/s": round(runs / max(seconds, 1e-9)),
            "edges": max(last(r"cov: (\d+)", log) for log in logs),
            "features": max(last(r"ft: (\d+)", log) for log in logs),
            "corpus": max(last(r"corp: (\d+)", log) for log in logs),
            "seconds": round(seconds), "findings": len(findings(folder))}


def findings(folder):
    return [path for path in sorted(folder.iterdir()) if path.suffix != ".log"]


def soak(arguments, target):
    folder = arguments.build / "tests/fuzz/findings" / target
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    began = time.monotonic()
    processes = [start(arguments, target, job, folder) for job in range(JOBS)]
    failed = [process.wait() for process in processes]
    row = summary(target, folder, time.monotonic() - began)
    for path in findings(folder):
        print(f"{target}: {path}", file=sys.stderr)
    if any(failed) and not row["findings"]:
        row["findings"] = 1
        print(f"{target}: failed without an input, see {folder}", file=sys.stderr)
    return row


def print_row(cells):
    print(f"{cells[0]:12}" + "".join(f"{cell:>12}" for cell in cells[1:]), flush=True)


def main():
    arguments = parse_arguments()
    rows = []
    for target in arguments.targets:
        rows.append(soak(arguments, target))
        if len(rows) == 1:
            print_row(list(rows[0]))
        print_row(list(rows[-1].values()))
    return int(any(row["findings"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
