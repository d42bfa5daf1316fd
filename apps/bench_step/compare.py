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

The file is written anew after each net. What fails is recorded there as "error", by side, and the
rest goes on. Exit codes: 0 all went well, 1 something failed, 2 usage.
"""
import argparse
import copy
import json
import os
import platform
import re
import statistics
import sys
import tempfile

from programs import CommandFailed, config_of, run_pytorch, run_train

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
ALL_LAYOUTS = [*LAYOUTS["cpu"], "max_autotune"]
PRECISIONS = ["bf16", "tf32", "fp32"]  # in this order
OURS = "accrete"


def cpu_name():
    """Name, family and model: in a virtual machine the name alone may be that of many."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        fields = dict(re.findall(r"^([^:]*\S)\s*: (.*)$", file.read(), re.MULTILINE))
    if "model name" not in fields:
        return platform.processor()
    family, model = fields.get("cpu family", ""), fields.get("model", "")
    return f"{fields['model name']} (family {family}, model {model})"


class Measurement:
    """What one side, `train` or a layout of PyTorch, has shown of a net in the rounds so far."""

    def __init__(self):
        self.rates = []
        self.memory = 0.0
        self.source = None  # the build of `train`, the version of PyTorch
        self.error = None

    def measure(self, run):
        """Another round, unless an earlier one failed: a side that hangs would do so again."""
        if self.error:
            return
        try:
            rate, memory, self.source = run()
        except CommandFailed as error:
            self.error = str(error)
        except Exception as error:  # whatever garbage a program has left
            self.error = f"{type(error).__name__}: {error}"
        else:
            self.rates.append(rate)
            self.memory = max(self.memory, memory)


def measure(args, net):
    """`train` and PyTorch in each layout, round by round."""
    ours, theirs = Measurement(), {layout: Measurement() for layout in args.layouts}
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            ours.measure(lambda: run_train(args, net, folder)[:3])
            for layout, side in theirs.items():
                side.measure(lambda: run_pytorch(args, config_of(folder), layout))
    return ours, theirs


def result_of(ours, theirs):
    """The two sides as one entry of the file; what failed is missing there and has an error."""
    complete = {layout: side for layout, side in theirs.items() if not side.error}
    result = {OURS: ours.rates, "peak_memory_mib": {OURS: ours.memory}} if not ours.error else {}
    if complete:
        framework = next(iter(complete.values())).source
        best = max(complete, key=lambda layout: statistics.median(complete[layout].rates))
        result[framework] = {layout: side.rates for layout, side in complete.items()}
        result["best_layout"] = best
        result.setdefault("peak_memory_mib", {})[framework] = {
            layout: side.memory for layout, side in complete.items()}
        if not ours.error:
            result["ratio"] = statistics.median(
                a / b for a, b in zip(ours.rates, complete[best].rates))
    errors = {name: side.error for name, side in {OURS: ours, **theirs}.items() if side.error}
    return {**result, "error": errors} if errors else result


def describe(name, ours, theirs, result):
    """A line for people."""
    parts = [f"{side}: {text}" for side, text in result.get("error", {}).items()]
    if not ours.error:
        parts.insert(0, f"{statistics.median(ours.rates):.1f} images/s in {ours.memory:.0f} MiB")
    if "best_layout" in result:
        best = theirs[result["best_layout"]]
        rate = statistics.median(best.rates)
        parts.append(f"{best.source} {result['best_layout']} {rate:.1f} in {best.memory:.0f} MiB")
    if "ratio" in result:
        parts.append(f"ratio {result['ratio']:.2f}")
    return f"{name}: " + "; ".join(parts)


def nets_of(args):
    nets = CUDA_NETS if args.device == "cuda" else NETS
    return {name: net for name, net in nets.items()
            if not args.nets or any(wanted in name for wanted in args.nets)}


def write(path, document):
    """Through another file, so that there is a whole one at every moment."""
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
    os.replace(path + ".tmp", path)


def document_of(args, build, results):
    return {"cpu": cpu_name(), "threads": args.threads, "device": args.device,
            "precision": ", ".join(args.precision), "build": build, "steps": args.steps,
            "rounds": args.rounds, "unit": "images per second, one value per round",
            "results": results}


def compare(args):
    """The results by net; by net and precision where there are several."""
    results, build = {}, {}
    for precision in args.precision:
        chosen = copy.copy(args)
        chosen.precision = precision
        for name, net in nets_of(args).items():
            name += f", {precision}" if len(args.precision) > 1 else ""
            ours, theirs = measure(chosen, net)
            results[name] = result_of(ours, theirs)
            build = ours.source or build
            write(args.output, document_of(args, build, results))
            print(describe(name, ours, theirs, results[name]), flush=True)
    return results


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="the train program")
    parser.add_argument("--python", required=True, help="a Python that has torch")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=["fp32"])
    parser.add_argument("--train-libraries", help="LD_LIBRARY_PATH of the train program alone")
    parser.add_argument("--threads", type=positive, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--steps", type=positive, default=10)
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--nets", nargs="+", default=[], help="only those with one of these in "
                        "their name")
    parser.add_argument("--layouts", nargs="+", choices=ALL_LAYOUTS,
                        help="of PyTorch: contiguous, channels_last, compiled, max_autotune")
    parser.add_argument("--limit", type=positive, help="seconds that each program may take in a "
                        "round (default: any)")
    parser.add_argument("--output", required=True, help="JSON file to write")
    return parser


def parse_arguments():
    parser = make_parser()
    args = parser.parse_args()
    args.layouts = args.layouts or LAYOUTS[args.device]
    args.precision = [name for name in PRECISIONS if name in args.precision]
    known = CUDA_NETS if args.device == "cuda" else NETS
    folder = os.path.dirname(os.path.abspath(args.output))
    if not os.path.isdir(folder):
        parser.error(f"--output: there is no folder {folder}")
    for wanted in args.nets:
        if not any(wanted in name for name in known):
            parser.error(f"--nets: no net has '{wanted}' in its name; there are "
                         + ", ".join(f"'{name}'" for name in known))
    return args


def main():
    results = compare(parse_arguments())
    return 1 if any("error" in result for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
