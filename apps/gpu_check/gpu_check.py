#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything that a machine with a GPU has to show, in one command: conformance to the PTX ISA,
every GPU test, compute-sanitizer, training against the CPU, benchmarks.

  gpu_check.py                    with the programs of build/cuda (./run gpu builds them first)
  gpu_check.py --prebuilt DIR     with those of a folder that ./run gpu --pack DIR made

Exit codes: 0 nothing failed, 1 something failed, 2 usage, 77 there is no usable GPU.
"""
import argparse
import os
import shlex
import sys
import time

import kit as kits
import machine
import steps
from results import Results

NO_GPU = 77
STEPS = {"conformance": steps.conformance, "tests": steps.kernel_tests, "clients": steps.clients,
         "sanitizers": steps.sanitizers, "training": steps.training,
         "bench_kernels": steps.bench_kernels, "bench_step": steps.bench_step}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prebuilt", metavar="DIR", help="a folder made by ./run gpu --pack DIR")
    parser.add_argument("--probe", action="store_true", help="only say whether there is a GPU")
    parser.add_argument("--only", nargs="+", choices=STEPS, default=list(STEPS), metavar="STEP",
                        help="of " + ", ".join(STEPS))
    parser.add_argument("--output", help="folder of the results (default: runs/gpu-<date>-<time>)")
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch")
    return parser.parse_args()


def run_steps(args, kit, results):
    for name in args.only:
        try:
            if name == "bench_step":
                steps.bench_step(kit, results, args.python)
            else:
                STEPS[name](kit, results)
        except Exception as error:  # the next step must run whatever happened here
            results.add(name, "failed", f"{type(error).__name__}: {error}")


def main():
    args = parse_arguments()
    count, reason = machine.gpu_count()
    if count == 0:
        print(f"gpu: no usable GPU on this machine: {reason}. Nothing was run; exit code {NO_GPU}. "
              "./run gpu --pack DIR makes a folder to take to a machine that has one.")
        return NO_GPU
    if args.probe:
        print(f"gpu: {count} usable")
        return 0
    kit = kits.from_folder(args.prebuilt) if args.prebuilt else kits.from_build()
    folder = args.output or time.strftime("runs/gpu-%Y%m%d-%H%M%S")
    results = Results(os.path.abspath(folder))
    results.write({"step": "machine", "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                   "command": shlex.join(sys.argv), **kit.facts, **machine.describe()})
    run_steps(args, kit, results)
    results.write({"step": "machine at the end", "gpu": machine.nvidia_smi()})
    print(f"\n{results.table()}\n\nresults: {results.folder}/results.jsonl")
    return 1 if results.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
