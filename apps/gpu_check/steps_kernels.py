# SPDX-License-Identifier: Apache-2.0
"""Steps that time kernels, from a cold cache. Rows of bench_kernels are written as they come, so
that a time limit loses none."""
import json
import os

import tools
from results import Failed

NETS = ("dn121", "d2l96")
# Few shapes: every stage of DenseNet-121 but the smallest.
VARIANT_CASES = (r"^fused_conv/.*/dn121/(1x1/56x56/128-128|1x1/28x28/256-128|1x1/14x14/512-128"
                 r"|3x3/56x56/128-32|3x3/28x28/128-32|3x3/14x14/128-32)/bf16/cold")
# What fused_kernels leaves out: a leading - of a filter means all others.
REST = {"others": ["--benchmark_filter=-^(fused_conv|conv)/"],
        "bc100": ["--benchmark_filter=^(fused_conv|conv)/.*/bc100/"],
        "f32": ["--arithmetic", "f32", "--benchmark_filter=^(fused_conv|conv)/.*/(dn121|d2l96)/"],
        "tf32": ["--arithmetic", "tf32", "--benchmark_filter=^(fused_conv|conv)/.*/(dn121|d2l96)/"]}


def read_cases(path):
    """The results among the rows, without the line about the machine."""
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    return [row for row in rows if "name" in row]


def facts_of(path):
    cases = read_cases(path)
    errors = [case for case in cases if case.get("error")]
    if not cases:
        raise Failed("no case was timed")
    if errors:
        raise Failed(f"{len(errors)} of {len(cases)} cases failed, first {errors[0]['name']}: "
                     f"{errors[0]['error']}", cases=len(cases))
    return {"cases": len(cases), "detail": f"{len(cases)} cases"}


def graph_facts_of(path):
    """Of graphs that a library may refuse, which is no failure."""
    cases = read_cases(path)
    timed = sum(1 for case in cases if not case.get("error"))
    if not timed:
        raise Failed(f"none of {len(cases)} graphs was timed", cases=0)
    return {"cases": timed, "refused": len(cases) - timed,
            "detail": f"{timed} cases, {len(cases) - timed} refused by cuDNN"}


def rows_file(check, step):
    path = check.results.path(step.replace(" ", "_") + ".jsonl")
    if not check.results.is_done(step) and os.path.exists(path):
        os.remove(path)
    return path


def bench(check, step, limit, options, program="bench_kernels"):
    path = check.kit.program(program)
    if not os.path.exists(path):
        check.results.skip(step, f"{program} is not built")
        return
    rows = rows_file(check, step)
    check.results.check(step, [path, "--device", "cuda:0", "--cache", "cold", "--rows", rows,
                               "--benchmark_min_time=0.01", *options], limit,
                        check.kit.environment(), lambda: facts_of(rows))


def fused_kernels(check, limit):
    """The convolutions of both nets with everything fused, and the plain ones beside cuDNN and
    cuBLAS."""
    for prefix, family in (("", "fused_conv"), ("conv ", "conv")):
        for net in NETS:
            bench(check, f"fused_kernels {prefix}{net}", limit,
                  [f"--benchmark_filter=^{family}/.*/{net}/.*/bf16/cold"])


def cudnn_fused(check, limit):
    """What cuDNN's own fused graphs take for the same convolutions."""
    step = "cudnn_fused"
    reason = check.tools.reason(tools.CUDNN_FRONTEND)
    if reason:
        check.results.skip(step, reason)
        return
    rows = rows_file(check, step)
    check.results.check(step, [check.python, os.path.join(check.kit.bench_kernels_scripts,
                                                          "cudnn_fused.py"),
                               "--rows", rows, "--nets", *NETS],
                        limit, facts=lambda: graph_facts_of(rows), may_skip=True)


def variants(check, limit):
    """Programs built with other parameters of the kernels."""
    if not check.kit.variants():
        check.results.skip("variants", "none was built")
    for name in check.kit.variants():
        bench(check, "variant " + name, limit, ["--benchmark_filter=" + VARIANT_CASES],
              "bench_kernels-" + name)


def bench_kernels(check, limit):
    for part, options in REST.items():
        bench(check, "bench_kernels " + part, limit, options)
