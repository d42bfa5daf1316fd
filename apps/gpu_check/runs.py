# SPDX-License-Identifier: Apache-2.0
"""Runs of `train` on the nets of the headline, and what is to be learned from a run folder."""
import hashlib
import json
import math
import os
import re
import shutil
import sys

from results import Failed

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                             "bench_step"))
from compare import CUDA_NETS  # noqa: E402
from programs import spec_of  # noqa: E402

STEPS = 20  # of each of the two epochs; the rate is that of the second
# The nets of the headline, and how bench_step calls them.
NETS = {"densenet121": "DenseNet-121, 224x224, batch 256", "d2l": "d2l, 96x96, batch 256"}
PEAK = re.compile(r"^peak memory ([\d.]+) MiB \(planned ([\d.]+) MiB\)", re.MULTILINE)


def write_spec(path, net, precision="bf16", steps=STEPS, **changes):
    """The spec that bench_step times, with other keys of CUDA_NETS where `changes` has them."""
    spec = spec_of({**CUDA_NETS[NETS[net]], **changes}, steps, precision)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(spec, file)
    return path


def fresh_folder(path):
    shutil.rmtree(path, ignore_errors=True)
    return path


def lines_of(folder, name):
    """The lines of a log of epochs."""
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.strip()]
    if not lines:
        raise Failed(f"{name} is empty")
    return lines


def epochs_of(folder):
    """The lines of metrics.jsonl, whose losses must be numbers."""
    epochs = lines_of(folder, "metrics.jsonl")
    for epoch in epochs:
        loss = epoch["train_loss"]
        if not isinstance(loss, (int, float)) or not math.isfinite(loss):
            raise Failed(f"the training loss of epoch {epoch['epoch']} is {loss}")
    return epochs


def peak_of(log_path):
    """What the run needed of the GPU's memory, and what was planned, in MiB."""
    with open(log_path, encoding="utf-8", errors="replace") as log:
        found = PEAK.search(log.read())
    if not found:
        raise Failed("train did not print its peak memory")
    return {"peak_memory_mib": float(found[1]), "planned_memory_mib": float(found[2])}


def weights_of(folder):
    """A checksum in place of the bytes: it survives in the row when the folder is gone."""
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def facts_of(folder, log_path):
    epochs = epochs_of(folder)
    last = epochs[-1]
    timing = lines_of(folder, "timing.jsonl")[-1]
    facts = {"images_per_second": timing["examples_per_second"],
             "data_wait_percent": timing["data_wait_percent"],
             "train_losses": [epoch["train_loss"] for epoch in epochs],
             "train_acc": last["train_acc"], "test_acc": last["test_acc"], **peak_of(log_path),
             "weights_sha256": weights_of(folder)}
    facts["detail"] = (f"{facts['images_per_second']:.1f} images/s, peak "
                       f"{facts['peak_memory_mib']:.0f} MiB, loss {last['train_loss']:.3f}")
    return facts


def train(check, step, spec, limit, *options, device="cuda:0"):
    """Trains into a folder named after the step; a row with what came of it."""
    folder = check.results.path(step.replace(" ", "_"))
    log_path = check.results.log_path(step)
    if not check.results.is_done(step):
        fresh_folder(folder)
    return check.results.check(
        step, [check.kit.program("train"), spec, "--device", device, "--output", folder, *options],
        limit, check.kit.environment(), lambda: facts_of(folder, log_path))


def compare_weights(check, step, first, second):
    """A row: two runs of one seed must leave the same bytes."""
    rows = [check.results.passed(first), check.results.passed(second)]
    if None in rows:
        check.results.skip(step, "needs two runs that end well")
        return

    def same():
        if rows[0]["weights_sha256"] != rows[1]["weights_sha256"]:
            raise Failed("two runs of one seed left different weights")
        return {}

    check.results.decide(step, same)
