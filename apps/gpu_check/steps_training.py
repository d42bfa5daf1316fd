# SPDX-License-Identifier: Apache-2.0
"""Steps that train: the smoke test, the headline, CPU beside GPU, the net of the chapter."""
import os

import runs
from results import Failed

# Of the training loss of an epoch. A learning rate that differs in its seventh digit changes the
# losses of this run by up to 0.8 % on one and the same CPU.
LOSS_TOLERANCE = 0.03


def smoke(check, limit):
    """Does it train at all? Three steps of the largest net, with a small batch."""
    spec = runs.write_spec(check.results.path("smoke.json"), "densenet121", steps=3, batch=32)
    runs.train(check, "smoke", spec, limit, "--set", "training.epochs=1")


def headline(check, limit):
    """The first run of each net before the second of any: rates are worth most."""
    specs = {net: runs.write_spec(check.results.path(f"headline_{net}.json"), net)
             for net in runs.NETS}
    for net, spec in specs.items():
        runs.train(check, "headline " + net, spec, limit)
    for net, spec in specs.items():
        step = "headline " + net
        runs.train(check, step + " again", spec, limit)
        runs.compare_weights(check, step + " repeats", step, step + " again")
    for net, spec in specs.items():
        runs.train(check, f"headline {net} profile", spec, limit, "--profile")


def losses_agree(cpu, gpu):
    """(whether, the losses of the epochs as text)"""
    # Asked this way round, NaN does not agree.
    close = all(abs(a - b) <= LOSS_TOLERANCE * a for a, b in zip(cpu, gpu))
    complete = len(cpu) == len(gpu) > 0
    return close and complete, ", ".join(f"{a:.4f} / {b:.4f}" for a, b in zip(cpu, gpu))


def compare_losses(check, step, cpu_step, gpu_step):
    cpu, gpu = check.results.passed(cpu_step), check.results.passed(gpu_step)
    if not cpu or not gpu:
        check.results.skip(step, "needs two runs that end well")
        return

    def agree():
        close, text = losses_agree(cpu["train_losses"], gpu["train_losses"])
        detail = f"CPU / GPU by epoch: {text}; tolerance {LOSS_TOLERANCE:.0%}"
        if not close:
            raise Failed(detail)
        return {"detail": detail}

    check.results.decide(step, agree)


def training(check, limit):
    """A short run in f32 on the CPU and twice on the GPU: the losses agree, and the weights of the
    two GPU runs are the same bytes."""
    names = {"training on the cpu": "cpu", "training on the gpu": "cuda:0",
             "training on the gpu again": "cuda:0"}
    if not check.kit.data:
        check.results.skip("training", "Fashion-MNIST is not on this machine")
        return
    spec = os.path.join(check.kit.specs, "quickstart.json")
    for step, device in names.items():
        runs.train(check, step, spec, limit, "--set", "data.train_limit=2560", "--set",
                   "data.test_limit=500", "--set", "training.epochs=3", device=device)
    cpu, gpu, again = names
    compare_losses(check, "training losses", cpu, gpu)
    runs.compare_weights(check, "training repeats", gpu, again)


def fashion_mnist(check, limit):
    """The chapter's net and training, whole."""
    if not check.kit.data:
        check.results.skip("fashion_mnist", "Fashion-MNIST is not on this machine")
        return
    runs.train(check, "fashion_mnist", os.path.join(check.kit.specs, "fashion_mnist_d2l.json"),
               limit)
