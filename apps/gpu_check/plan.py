# SPDX-License-Identifier: Apache-2.0
"""The steps in their order: what is worth most first, since time may run out. None depends on
another's success."""
from dataclasses import dataclass
from typing import Callable, NamedTuple

import kit as kits
import steps_kernels
import steps_profiling
import steps_pytorch
import steps_tests
import steps_training
import tools
from results import Results


class Step(NamedTuple):
    name: str
    function: Callable  # of a Check and a limit
    limit: int          # seconds, of each command
    what: str
    share: float = 1.0  # of a deadline, for the whole step


STEPS = (
    Step("tools", tools.look_around, tools.LIMIT,
         "ncu, compute-sanitizer (both tried), nvcc, cuobjdump, PyTorch, cuDNN frontend"),
    Step("conformance", steps_tests.conformance, 300,
         "a probe per instruction: GPU, host executor and PTX ISA agree"),
    Step("smoke", steps_training.smoke, 120,
         "three steps of DenseNet-121 in bf16, batch 32; losses are finite"),
    Step("tests", steps_tests.tests, 300, "all other GPU tests, in parallel, short ones first",
         0.25),
    Step("headline", steps_training.headline, 180,
         "DenseNet-121 and d2l in bf16, batch 256: rate, memory, twice the same bytes, profile",
         0.25),
    Step("pytorch", steps_pytorch.pytorch, 300,
         "the same beside PyTorch: channels_last, then compiled"),
    Step("fused_kernels", steps_kernels.fused_kernels, 300,
         "fused convolutions of dn121 and d2l96 in bf16; plain ones beside cuDNN and cuBLAS"),
    Step("cudnn_fused", steps_kernels.cudnn_fused, 180, "cuDNN's fused graphs on the same shapes"),
    Step("ncu", steps_profiling.ncu, 90, "one launch of each family of kernels"),
    Step("variants", steps_kernels.variants, 120,
         "fused convolutions with kernels of other parameters"),
    Step("sanitizers", steps_tests.sanitizers, 120,
         "memcheck, racecheck, initcheck, synccheck over the short tests"),
    Step("clients", steps_tests.clients, 120, "the CUDA client projects"),
    Step("training", steps_training.training, 240,
         "quickstart in f32: GPU beside CPU, GPU twice the same bytes"),
    Step("bench_step", steps_pytorch.bench_step, 500,
         "beside PyTorch: contiguous and max-autotune in bf16, both layouts in tf32 and fp32"),
    Step("bench_kernels", steps_kernels.bench_kernels, 500, "all other microbenchmarks"),
    Step("fashion_mnist", steps_training.fashion_mnist, 400, "fashion_mnist_d2l.json, ten epochs"),
)
NAMES = tuple(step.name for step in STEPS)


@dataclass
class Check:
    """What every step works with."""
    kit: kits.Kit
    results: Results
    tools: tools.Tools
    python: str
    jobs: int


def chosen(only, skip):
    return [step for step in STEPS if (not only or step.name in only) and step.name not in skip]


def listing(steps):
    return "\n".join(f"{step.name:14} {step.limit:4} s each  {step.what}" for step in steps)


def run(check, steps):
    for step in steps:
        check.results.deadline.begin_step(step.share)
        try:
            step.function(check, step.limit)
        except Exception as error:  # the next step must run whatever happened here
            check.results.add(step.name, "failed", f"{type(error).__name__}: {error}")
        if check.results.archive:
            check.results.archive.write()
