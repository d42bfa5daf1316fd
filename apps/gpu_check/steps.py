# SPDX-License-Identifier: Apache-2.0
"""The steps of gpu_check. Each takes the kit and the results; none depends on another's success."""
import filecmp
import json
import os
import shutil
import subprocess

# Of the training loss of an epoch. A learning rate that differs in its seventh digit changes the
# losses of this run by up to 0.8 % on one and the same CPU.
LOSS_TOLERANCE = 0.03
# Filters of bench_kernels; a leading - means all others.
BENCHMARKS = {"conv d2l96": "^conv/.*/d2l96/", "conv dn121": "^conv/.*/dn121/",
              "conv bc100": "^conv/.*/bc100/", "others": "-^conv/"}
SANITIZERS = ("memcheck", "racecheck", "initcheck", "synccheck")


def conformance(kit, results):
    """The first thing to know about a GPU: does it do what the host executor of the tests does?"""
    run_tests(kit, results, lambda name: name == "ptx_conformance")


def kernel_tests(kit, results):
    run_tests(kit, results, lambda name: name != "ptx_conformance")


def run_tests(kit, results, chosen):
    for name, _, tags in kit.tests():
        if chosen(name):
            results.check("test " + name, [kit.program("cuda_tests_gpu"), "-#", tags], 300,
                          kit.environment())


def clients(kit, results):
    for name, program in sorted(kit.clients.items()):
        results.check("client " + name, [program], 120, kit.environment())


def sanitizers(kit, results):
    """compute-sanitizer over the short tests."""
    tool = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
    if not os.path.exists(tool):
        results.add("compute-sanitizer", "skipped", "compute-sanitizer is not installed")
        return
    tags = ",".join(tags for _, short, tags in kit.tests() if short)
    for name in SANITIZERS:
        results.check("sanitizer " + name,
                      [tool, "--tool", name, "--error-exitcode", "9",
                       kit.program("cuda_tests_gpu"), "-#", tags], 300, kit.environment())


def train_command(kit, folder, device):
    return [kit.program("train"), os.path.join(kit.specs, "quickstart.json"), "--device", device,
            "--quiet", "--output", folder, "--set", "data.train_limit=2560", "--set",
            "data.test_limit=500", "--set", "training.epochs=3"]


def epochs_of(folder):
    with open(os.path.join(folder, "metrics.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def losses_agree(cpu_epochs, gpu_epochs):
    """(whether, the losses as text)"""
    pairs = [(cpu["train_loss"], gpu["train_loss"]) for cpu, gpu in zip(cpu_epochs, gpu_epochs)]
    # Asked this way round, NaN does not agree.
    close = all(abs(cpu - gpu) <= LOSS_TOLERANCE * cpu for cpu, gpu in pairs)
    complete = len(pairs) == len(cpu_epochs) == len(gpu_epochs) > 0
    return close and complete, ", ".join(f"{cpu:.4f} / {gpu:.4f}" for cpu, gpu in pairs)


def training(kit, results):
    """A short run in f32 on the CPU and twice on the GPU: the losses agree, and the weights of the
    two GPU runs are the same bytes."""
    folders = {}
    for name, device in (("cpu", "cpu"), ("gpu", "cuda:0"), ("gpu again", "cuda:0")):
        folders[name] = os.path.join(results.folder, "train_" + name.replace(" ", "_"))
        shutil.rmtree(folders[name], ignore_errors=True)
        step = "training on the " + name
        if not results.check(step, train_command(kit, folders[name], device), 240,
                             kit.environment()):
            return
    close, text = losses_agree(epochs_of(folders["cpu"]), epochs_of(folders["gpu"]))
    results.add("training losses", "passed" if close else "failed",
                f"CPU / GPU by epoch: {text}; tolerance {LOSS_TOLERANCE:.0%}")
    weights = [os.path.join(folders[name], "model.safetensors") for name in ("gpu", "gpu again")]
    same = filecmp.cmp(*weights, shallow=False)
    results.add("training repeats", "passed" if same else "failed",
                "" if same else "two runs of one seed left different weights")


def bench_kernels(kit, results):
    """The kernels, from a cold cache, a part of the cases at a time: what is done before a time-out
    is not lost."""
    program = kit.program("bench_kernels")
    if not os.path.exists(program):
        results.add("bench_kernels", "skipped", "not built")
        return
    for part, cases in BENCHMARKS.items():
        step = "bench_kernels " + part
        output = os.path.join(results.folder, step.replace(" ", "_") + ".json")
        results.check(step, [program, "--device", "cuda:0", "--cache", "cold", "--table",
                             "--benchmark_min_time=0.01", "--benchmark_filter=" + cases,
                             "--benchmark_out=" + output], 500, kit.environment())


def has_torch(python):
    code = "import torch, sys; sys.exit(not torch.cuda.is_available())"
    try:
        return subprocess.run([python, "-c", code], capture_output=True, timeout=120).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def bench_step(kit, results, python):
    """Training steps beside PyTorch, in f32 and, where train knows it, in bf16."""
    if not has_torch(python):
        results.add("bench_step", "skipped", f"{python} has no PyTorch that sees a GPU")
        return
    environment = kit.environment()
    for precision in ("fp32", "bf16"):
        step = "bench_step " + precision
        output = os.path.join(results.folder, f"bench_step_{precision}.json")
        command = [python, os.path.join(kit.bench_step, "compare.py"), "--device", "cuda",
                   "--train", kit.program("train"), "--train-libraries",
                   environment["LD_LIBRARY_PATH"], "--python", python, "--precision", precision,
                   "--steps", "30", "--output", output]
        results.check(step, command, 500)
