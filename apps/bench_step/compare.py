#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares training steps of `train` and PyTorch on one device, side by side in one run.

  compare.py --train build/release/bin/train --python PYTHON_WITH_TORCH --output result.json
  compare.py --precision bf16 --nets d2l --train build/release/bin/train ...
  compare.py --device cuda --precision bf16 --train build/cuda/bin/train ...

Each round runs both once per net, so that a machine whose speed drifts hits both alike. Images are
generated; data loading is outside the timing on both sides. In bf16 PyTorch runs under autocast.
Memory is the peak of the resident set on a CPU; on a GPU the peak of our plan against the peak of
PyTorch's tensors.
"""
import argparse
import json
import os
import platform
import re
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
    "ResNet-18, 224x224, batch 16": {
        "preset": "resnet18", "size": 224, "channels": 3, "batch": 16},
}
CUDA_NETS = {
    "d2l, 96x96, batch 256": {"preset": "d2l", "size": 96, "channels": 1, "batch": 256},
    "DenseNet-121, 224x224, batch 256": {  # PyTorch needs about 50 GiB for it in fp32
        "preset": "densenet121", "size": 224, "channels": 3, "batch": 256},
}
LAYOUTS = {"cpu": ["contiguous", "channels_last", "compiled"],
           "cuda": ["contiguous", "channels_last"]}  # compiling takes minutes: on request


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


def run_measured(command, environment=None):
    """Output and peak resident memory in MiB of a program that must succeed."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise subprocess.CalledProcessError(child.returncode, command)
    return output, usage.ru_maxrss / 1024


def memory_on(device, resident_mib, device_mib):
    """What counts: a GPU's memory, or all that the process holds."""
    return device_mib if device == "cuda" else resident_mib


def run_train(args, net, folder, flags=()):
    """Images per second of the second epoch (the first one touches all memory) and peak memory."""
    spec = os.path.join(folder, "spec.json")
    run = os.path.join(folder, "run")
    shutil.rmtree(run, ignore_errors=True)
    with open(spec, "w", encoding="utf-8") as file:
        json.dump(spec_of(net, args.steps, args.precision), file)
    environment = dict(os.environ)
    if args.train_libraries:
        environment["LD_LIBRARY_PATH"] = args.train_libraries
    device = "cuda:0" if args.device == "cuda" else "cpu"
    output, resident = run_measured([args.train, spec, "--device", device, "--threads",
                                     str(args.threads), "--output", run, *flags], environment)
    planned = re.search(r"^peak memory ([\d.]+) MiB", output, re.MULTILINE)
    memory = memory_on(args.device, resident, float(planned[1]))
    with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as file:
        rate = [json.loads(line) for line in file][-1]["examples_per_second"]
    with open(os.path.join(run, "build.json"), encoding="utf-8") as file:
        build = json.load(file)
    return rate, memory, build, os.path.join(run, "config.json")


def run_pytorch(args, config, layout):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch_step.py")
    output, resident = run_measured(
        [args.python, script, config, "--device", args.device, "--precision", args.precision,
         "--threads", str(args.threads), "--steps", str(args.steps), "--layouts", layout])
    row = json.loads(output)
    memory = memory_on(args.device, resident, row["peak_device_mib"])
    return row["images_per_second"], memory, row["framework"]


def cpu_name():
    """Name, family and model: in a virtual machine the name alone may be that of many."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        fields = dict(re.findall(r"^([^:]*\S)\s*: (.*)$", file.read(), re.MULTILINE))
    if "model name" not in fields:
        return platform.processor()
    family, model = fields.get("cpu family", ""), fields.get("model", "")
    return f"{fields['model name']} (family {family}, model {model})"


def compare_net(args, net):
    """The result of one net, and the build of the train program."""
    ours, theirs, our_memory, their_memory = [], {}, [], {}
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            rate, memory, build, config = run_train(args, net, folder)
            ours.append(rate)
            our_memory.append(memory)
            for layout in args.layouts:
                rate, memory, framework = run_pytorch(args, config, layout)
                theirs.setdefault(layout, []).append(rate)
                their_memory.setdefault(layout, []).append(memory)
    best = max(theirs, key=lambda layout: statistics.median(theirs[layout]))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs[best]))
    result = {"accrete": ours, framework: theirs, "best_layout": best, "ratio": ratio,
              "peak_memory_mib": {"accrete": max(our_memory), framework: {
                  layout: max(values) for layout, values in their_memory.items()}}}
    return result, build


def nets_of(args):
    nets = CUDA_NETS if args.device == "cuda" else NETS
    return {name: net for name, net in nets.items() if args.nets in name}


def compare(args):
    results, build = {}, {}
    for name, net in nets_of(args).items():
        results[name], build = compare_net(args, net)
        result = results[name]
        memory = result["peak_memory_mib"]
        framework = [key for key in memory if key != "accrete"][0]
        best = result["best_layout"]
        print(f"{name}: {statistics.median(result['accrete']):.1f} images/s, {framework} {best} "
              f"{statistics.median(result[framework][best]):.1f}, ratio {result['ratio']:.2f}; "
              f"memory {memory['accrete']:.0f} and {memory[framework][best]:.0f} MiB", flush=True)
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
    parser.add_argument("--nets", default="", help="only those whose name contains this")
    parser.add_argument("--layouts", nargs="+", help="of PyTorch: contiguous, channels_last, compiled")
    parser.add_argument("--output", required=True, help="JSON file to write")
    args = parser.parse_args()
    args.layouts = args.layouts or LAYOUTS[args.device]
    if not nets_of(args):
        parser.error(f"no net has '{args.nets}' in its name")
    results, build = compare(args)
    document = {"cpu": cpu_name(), "threads": args.threads, "device": args.device,
                "precision": args.precision, "build": build, "steps": args.steps, "rounds": args.rounds,
                "unit": "images per second, one value per round", "results": results}
    with open(args.output, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
