#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares training steps of `train` and PyTorch on one device, side by side in one run.

  compare.py --train build/release/bin/train --python PYTHON_WITH_TORCH --output result.json
  compare.py --device cuda --precision bf16 --train build/cuda/bin/train ...

Each round runs both once per net, so that a machine whose speed drifts hits both alike. Images are
generated; data loading is outside the timing on both sides. In bf16 PyTorch runs under autocast.
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
    "DenseNet-121, 224x224, batch 16": {
        "preset": "densenet121", "size": 224, "channels": 3, "batch": 16},
}
CUDA_NETS = {
    "d2l, 96x96, batch 256": {"preset": "d2l", "size": 96, "channels": 1, "batch": 256},
    "DenseNet-121, 224x224, batch 64": {
        "preset": "densenet121", "size": 224, "channels": 3, "batch": 64},
}
LAYOUTS = {"cpu": ["contiguous", "channels_last", "compiled"],
           "cuda": ["contiguous", "channels_last"]}


def spec_of(net, steps, precision):
    spec = {
        "name": "bench",
        "model": {"preset": net["preset"]},
        "data": {"dataset": "synthetic",
                 "synthetic": {"image_size": net["size"], "channels": net["channels"],
                               "train_images": net["batch"] * steps, "test_images": 1}},
        "training": {"epochs": 2, "batch_size": net["batch"], "eval_batch_size": 1,
                     "optimizer": {"learning_rate": 0.01}},
    }
    if precision != "fp32":
        spec["training"]["precision"] = precision
    return spec


def run_train(args, net, folder):
    """Images per second of the second epoch (the first one touches all memory)."""
    spec = os.path.join(folder, "spec.json")
    run = os.path.join(folder, "run")
    shutil.rmtree(run, ignore_errors=True)
    with open(spec, "w", encoding="utf-8") as file:
        json.dump(spec_of(net, args.steps, args.precision), file)
    environment = dict(os.environ)
    if args.train_libraries:
        environment["LD_LIBRARY_PATH"] = args.train_libraries
    device = "cuda:0" if args.device == "cuda" else "cpu"
    subprocess.run([args.train, spec, "--quiet", "--device", device, "--threads",
                    str(args.threads), "--output", run],
                   check=True, stdout=subprocess.DEVNULL, env=environment)
    with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as file:
        rate = [json.loads(line) for line in file][-1]["examples_per_second"]
    with open(os.path.join(run, "build.json"), encoding="utf-8") as file:
        build = json.load(file)
    return rate, build, os.path.join(run, "config.json")


def run_pytorch(args, config):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch_step.py")
    output = subprocess.run(
        [args.python, script, config, "--device", args.device, "--precision", args.precision,
         "--threads", str(args.threads), "--steps", str(args.steps), "--layouts", *args.layouts],
        check=True, stdout=subprocess.PIPE, text=True).stdout
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
    for name, net in (CUDA_NETS if args.device == "cuda" else NETS).items():
        ours, theirs = [], {}
        for _ in range(args.rounds):
            with tempfile.TemporaryDirectory() as folder:
                rate, build, config = run_train(args, net, folder)
                ours.append(rate)
                for row in run_pytorch(args, config):
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
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="fp32")
    parser.add_argument("--train-libraries", help="LD_LIBRARY_PATH of the train program alone")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layouts", nargs="+", help="of PyTorch: contiguous, channels_last, compiled")
    parser.add_argument("--output", required=True, help="JSON file to write")
    args = parser.parse_args()
    args.layouts = args.layouts or LAYOUTS[args.device]
    results, build = compare(args)
    document = {"cpu": cpu_name(), "threads": args.threads, "device": args.device,
                "precision": args.precision, "build": build, "steps": args.steps, "rounds": args.rounds,
                "unit": "images per second, one value per round", "results": results}
    with open(args.output, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
