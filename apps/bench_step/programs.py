# SPDX-License-Identifier: Apache-2.0
"""One run of `train`, or of a training step of PyTorch: rate and peak memory."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time


class CommandFailed(Exception):
    """Says in one line why a program did not do its work."""


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


def last_line(file):
    file.seek(0)
    lines = [line.strip() for line in file.read().splitlines() if line.strip()]
    return lines[-1] if lines else ""


def run_measured(command, limit, environment=None):
    """Output and peak resident memory in MiB of a program that must succeed within `limit` seconds,
    or whenever it likes if that is None."""
    start = time.monotonic()
    # Files, since what a killed program has started may hold a pipe open.
    with tempfile.TemporaryFile("w+", errors="replace") as output, \
            tempfile.TemporaryFile("w+", errors="replace") as errors:
        try:
            child = subprocess.Popen(command, stdout=output, stderr=errors, env=environment)
        except OSError as error:
            raise CommandFailed(f"cannot start {command[0]}: {error.strerror}") from error
        killer = threading.Timer(limit or threading.TIMEOUT_MAX, child.kill)
        killer.daemon = True
        killer.start()
        _, status, usage = os.wait4(child.pid, 0)
        killer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        if limit and time.monotonic() - start >= limit:
            raise CommandFailed(f"ran past {limit:g} s")
        if child.returncode != 0:
            raise CommandFailed(last_line(errors) or f"exit code {child.returncode}")
        output.seek(0)
        return output.read(), usage.ru_maxrss / 1024


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
                                     str(args.threads), "--output", run, *flags], args.limit,
                                    environment)
    planned = re.search(r"^peak memory ([\d.]+) MiB", output, re.MULTILINE)
    if not planned:
        raise CommandFailed(f"{args.train} did not print its peak memory")
    memory = memory_on(args.device, resident, float(planned[1]))
    with open(os.path.join(run, "timing.jsonl"), encoding="utf-8") as file:
        rate = [json.loads(line) for line in file][-1]["examples_per_second"]
    with open(os.path.join(run, "build.json"), encoding="utf-8") as file:
        build = json.load(file)
    return rate, memory, build, config_of(folder)


def config_of(folder):
    """The resolved spec that `train` leaves before its first step: what PyTorch's side reads."""
    return os.path.join(folder, "run", "config.json")


def run_pytorch(args, config, layout):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch_step.py")
    output, resident = run_measured(
        [args.python, script, config, "--device", args.device, "--precision", args.precision,
         "--threads", str(args.threads), "--steps", str(args.steps), "--layouts", layout],
        args.limit)
    if not output.strip():
        raise CommandFailed(f"{script} printed nothing")
    row = json.loads(output.strip().splitlines()[-1])
    memory = memory_on(args.device, resident, row["peak_device_mib"])
    return row["images_per_second"], memory, row["framework"]
