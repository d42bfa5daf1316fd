#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each optimisation pass is worth: training steps, traffic and memory without it.

  ablation.py --train build/release/bin/train --inspect build/release/bin/inspect --output out.json

Every round runs all configurations of a net once, so that a machine whose speed drifts hits all
alike. Traffic and memory are those of the plan, which a run keeps to.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import tempfile

from compare import NETS, cpu_name
from programs import run_train, spec_of


def pass_names(inspect):
    output = subprocess.run([inspect, "--passes"], check=True, stdout=subprocess.PIPE, text=True)
    return [line.split()[0] for line in output.stdout.splitlines() if line.strip()]


def plan_of(args, net, flags, folder):
    """Bytes that the kernels of a step read and write, and peak bytes."""
    spec = os.path.join(folder, "spec.json")
    with open(spec, "w", encoding="utf-8") as file:
        json.dump(spec_of(net, args.steps, "fp32"), file)
    output = subprocess.run([args.inspect, spec, *flags], check=True, stdout=subprocess.PIPE,
                            text=True).stdout
    moved = re.search(r"^bytes moved per step +([\d,]+)", output, re.MULTILINE)
    peak = re.search(r"^ *peak .*\(([\d,]+) bytes\)", output, re.MULTILINE)
    return {"bytes_moved": int(moved[1].replace(",", "")),
            "peak_bytes": int(peak[1].replace(",", ""))}


def ablate(args, net, configurations):
    rates = {name: [] for name in configurations}
    result = {}
    build = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, flags in configurations.items():
            result[name] = plan_of(args, net, flags, folder)
        for _ in range(args.rounds):
            for name, flags in configurations.items():
                rate, _, build, _ = run_train(args, net, folder, flags)
                rates[name].append(rate)
    for name, values in rates.items():
        result[name]["images_per_second"] = values
        result[name]["ratio"] = statistics.median(
            a / b for a, b in zip(values, rates["all passes"]))
    return result, build


def print_table(net, result):
    print(f"{net}\n  {'passes':<34}{'images/s':>10}{'ratio':>8}{'moved, MiB':>12}{'peak, MiB':>11}")
    for name, row in result.items():
        print(f"  {name:<34}{statistics.median(row['images_per_second']):>10.1f}"
              f"{row['ratio']:>8.2f}{row['bytes_moved'] / 2**20:>12.0f}"
              f"{row['peak_bytes'] / 2**20:>11.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="the train program")
    parser.add_argument("--inspect", required=True, help="the inspect program of the same build")
    parser.add_argument("--nets", nargs="+", choices=sorted(NETS), help="default: all")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", required=True, help="JSON file to write")
    args = parser.parse_args()
    args.device, args.precision, args.train_libraries, args.limit = "cpu", "fp32", None, None
    off = {name: ["--disable-pass", name] for name in pass_names(args.inspect)}
    configurations = {"all passes": []}
    configurations.update({"without " + name: flags for name, flags in off.items()})
    configurations["no passes"] = [flag for flags in off.values() for flag in flags]
    results, build = {}, {}
    for net in args.nets or NETS:
        results[net], build = ablate(args, NETS[net], configurations)
        print_table(net, results[net])
    document = {"cpu": cpu_name(), "threads": args.threads, "build": build, "steps": args.steps,
                "rounds": args.rounds, "unit": "images per second, one value per round",
                "results": results}
    with open(args.output, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
