#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything that a machine with a GPU has to show, in one command, what is worth most first:
conformance to the PTX ISA, GPU tests, training steps and kernels beside PyTorch and cuDNN,
profiles, compute-sanitizer.

  gpu_check.py                    with the programs of build/cuda (./run gpu builds them first)
  gpu_check.py --prebuilt DIR     with those of a folder that ./run gpu --pack DIR made
  gpu_check.py --deadline 600 --archive results.tar.gz     whatever can be had in ten minutes
  gpu_check.py --resume runs/gpu-20260101-120000           what is missing or failed there

Exit codes: 0 nothing failed, 1 something failed, 2 usage, 77 there is no usable GPU.
"""
import argparse
import lzma
import os
import re
import shlex
import signal
import sys
import tarfile
import time

import kit as kits
import machine
import plan
import results as results_module
import summary
from archive import Archive
from deadline import Deadline
from tools import Tools

USAGE = 2
NO_GPU = 77
QUESTION_LIMIT = 20  # seconds, for nvidia-smi or a program's version


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prebuilt", metavar="DIR", help="a folder made by ./run gpu --pack DIR")
    parser.add_argument("--probe", action="store_true", help="only say whether there is a GPU")
    parser.add_argument("--list", action="store_true", help="only say what would run; needs no GPU")
    parser.add_argument("--only", nargs="+", choices=plan.NAMES, default=[], metavar="STEP",
                        help="of " + ", ".join(plan.NAMES))
    parser.add_argument("--skip", nargs="+", choices=plan.NAMES, default=[], metavar="STEP")
    parser.add_argument("--output", metavar="DIR",
                        help="folder of the results (default: runs/gpu-<date>-<time>)")
    parser.add_argument("--resume", metavar="DIR", nargs="?", const="",
                        help="append to the results in DIR, or in that of --output; what has "
                             "passed there is not run again")
    parser.add_argument("--archive", metavar="FILE.tar.gz",
                        help="all results in one file, rewritten as they come")
    parser.add_argument("--deadline", type=float, metavar="SECONDS",
                        help="end within this time, counted from the start")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1), metavar="N",
                        help="tests at a time (default: %(default)s)")
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch")
    return parser


def parse_arguments(arguments):
    parser = make_parser()
    args = parser.parse_args(arguments)
    if args.jobs < 1:
        parser.error("--jobs must be at least 1")
    if args.deadline is not None and args.deadline <= 0:
        parser.error("--deadline must be more than 0 seconds")
    if args.resume and args.output and os.path.abspath(args.resume) != os.path.abspath(args.output):
        parser.error("--resume and --output name different folders")
    args.folder = os.path.abspath(args.resume or args.output or time.strftime(
        "runs/gpu-%Y%m%d-%H%M%S"))
    rows = os.path.join(args.folder, results_module.FILE)
    if args.resume is not None and not args.list and not os.path.isfile(rows):
        parser.error(f"there is nothing to resume: no {rows}; leave --resume out")
    return args


def load_kit(args):
    """None, with a message, where there is none."""
    try:
        return (kits.from_folder(args.prebuilt, args.python) if args.prebuilt else
                kits.from_build(args.python))
    except (OSError, EOFError, ValueError, KeyError, lzma.LZMAError, tarfile.TarError) as error:
        print(f"gpu_check: {args.prebuilt} is not a folder made by ./run gpu --pack: {error}",
              file=sys.stderr)
        return None


def missing_library(kit, results):
    """The name of a shared library without which the programs do not start; empty if they do."""
    outcome = results.run("start of the programs", [kit.program("train"), "--version"],
                          QUESTION_LIMIT, kit.environment())
    found = re.search(r"error while loading shared libraries: ([^:]+):", outcome.last)
    if not found:
        return ""
    detail = (f"needs {found[1]}: install the CUDA toolkit or PyTorch's packages that have it, or "
              "set LD_LIBRARY_PATH to its folder")
    results.add("start of the programs", "failed", detail, outcome.seconds)
    return found[1]


def finish(results):
    results.write({"step": "machine at the end",
                   "gpu": machine.nvidia_smi(results.deadline.cap(QUESTION_LIMIT))})
    report = f"\n{results.table()}\n\nresults: {results.folder}/{results_module.FILE}\n\n" \
             f"{summary.text(results)}"
    with open(results.path("report.txt"), "w", encoding="utf-8") as file:
        file.write(report.strip() + "\n")
    if results.archive:
        results.archive.write()
    results.file.close()
    print(report, flush=True)
    return 1 if results.failed() or results.deadline.interrupted else 0


def run(args, deadline, kit):
    archive = Archive(args.archive, args.folder) if args.archive else None
    results = results_module.Results(args.folder, deadline, archive, args.resume is not None)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, deadline.interrupt)
    results.write({"step": "machine", "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                   "command": shlex.join(sys.argv), **kit.facts,
                   **machine.describe(deadline.cap(QUESTION_LIMIT))})
    if not missing_library(kit, results):
        check = plan.Check(kit, results, Tools(kit, results, args.python), args.python, args.jobs)
        plan.run(check, plan.chosen(args.only, args.skip))
    return finish(results)


def main(arguments=None):
    args = parse_arguments(arguments)
    deadline = Deadline(args.deadline)
    if args.list:
        print(plan.listing(plan.chosen(args.only, args.skip)))
        return 0
    count, reason = machine.gpu_count()
    if count == 0:
        print(f"gpu: no usable GPU on this machine: {reason}. Nothing was run; exit code {NO_GPU}. "
              "./run gpu --pack DIR makes a folder to take to a machine that has one.")
        return NO_GPU
    if args.probe:
        print(f"gpu: {count} usable")
        return 0
    kit = load_kit(args)
    return run(args, deadline, kit) if kit else USAGE


if __name__ == "__main__":
    sys.exit(main())
