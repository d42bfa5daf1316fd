#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares training steps of `train` and PyTorch on the CPU, side by side in one run.

  compare.py --train build/release/bin/train --python PYTHON_WITH_TORCH --output result.json

Each round runs both once per net, so that a machine whose speed drifts hits both alike. Images are
generated; data loading is outside the timing on both sides.
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile

NETS = {
    "d2l, 96x96, batch 64": {"preset": "d2l", "size": 96, "channels": 1, "batch": 64},
    "DenseNet-BC(100,12), 32x32, batch 64": {
        "preset": "densenet_bc_100_12", "size": 32, "channels": 3, "batch": 64},
}


def spec_of(net, steps):
    return {
        "name": "bench",
        "model": {"preset": net["preset"]},
        "data": {"dataset": "synthetic",
                 "synthetic": {"image_size": net["size"], "channels": net["channels"],
                               "train_images": net["batch"] * steps, "test_images": 1}},
        "training": {"epochs": 2, "batch_size": net["batch"], "eval_batch_size": 1,
                     "optimizer": {"learning_rate": 0.01}},
    }


def run_train(binary, net, steps, threads, folder):
    """Images per second of the second epoch (the first one touches all memory)."""
    spec = os.path.join(folder, "spec.json")
    run = os.path.join(folder, "run")
    shutil.rmtree(run, ignore_errors=True)
    with open(spec, "w", encoding="utf-8") as file:
        json.dump(spec_of(net, steps), file)
    subprocess.run([binary, spec, "--quiet", "--threads", str(threads), "--output", run],
                   check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as file:
        rate = [json.loads(line) for line in file][-1]["examples_per_second"]
    with open(os.path.join(run, "build.json"), encoding="utf-8") as file:
        build = json.load(file)
    return rate, build, os.path.join(run, "config.json")


def run_pytorch(python, config, steps, threads, layouts):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch_step.py")
    output = subprocess.run(
        [python, script, config, "--threads", str(threads), "--steps", str(steps), "--layouts",
         *layouts], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def compare(args):
    results = {}
    build = {}
    for name, net in NETS.items():
        ours, theirs = [], {}
        for _ in range(args.rounds):
            with tempfile.TemporaryDirectory() as folder:
                rate, build, config = run_train(args.train, net, args.steps, args.threads, folder)
                ours.append(rate)
                for row in run_pytorch(args.python, config, args.steps, args.threads,
                                       args.layouts):
                    theirs.setdefault(row["layout"], []).append(row["images_per_second"])
                    framework = row["framework"]
        best = max(theirs, key=lambda layout: statistics.median(theirs[layout]))
        ratio = statistics.median(a / b for a, b in zip(ours, theirs[best]))
        results[name] = {"accrete": ours, framework: theirs, "best_layout": best, "ratio": ratio}
        print(f"{name}: {statistics.median(ours):.1f} images/s, {framework} {best} "
              f"{statistics.median(theirs[best]):.1f}, ratio {ratio:.2f}", flush=True)
    return results, build


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="the train program")
    parser.add_argument("--python", required=True, help="a Python that has torch")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layouts", nargs="+",
                        default=["contiguous", "channels_last", "compiled"])
    parser.add_argument("--output", required=True, help="JSON file to write")
    args = parser.parse_args()
    results, build = compare(args)
    document = {"cpu": cpu_name(), "threads": args.threads, "build": build,
                "steps": args.steps, "rounds": args.rounds,
                "unit": "images per second, one value per round", "results": results}
    with open(args.output, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
