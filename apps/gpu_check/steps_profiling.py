# SPDX-License-Identifier: Apache-2.0
"""One launch of each family of kernels under Nsight Compute. Clocks stay as they are."""
import csv
import os
import re
from typing import NamedTuple

import runs
from results import Failed, Outcome, judged

SECTIONS = ("SpeedOfLight", "WarpStateStats", "InstructionStats", "MemoryWorkloadAnalysis",
            "ComputeWorkloadAnalysis", "Occupancy")
# Counts that the sections leave out.
COUNTS = "dram__bytes_read.sum,dram__bytes_write.sum,smsp__inst_executed.sum"


class Family(NamedTuple):
    name: str
    kernel: str  # regex of the kernel's demangled name
    case: str    # filter of bench_kernels; empty: a training step of DenseNet-121 launches it


FAMILIES = (
    Family("forward 3x3", "band_forward", "^fused_conv/forward/dn121/3x3/28x28/128-32/"),
    Family("forward 1x1", "band_forward", "^fused_conv/forward/dn121/1x1/28x28/256-128/"),
    Family("dgrad 3x3", "band_dgrad", "^fused_conv/dgrad_add/dn121/3x3/28x28/128-32/"),
    Family("wgrad 3x3", "band_wgrad", "^fused_conv/wgrad/dn121/3x3/28x28/128-32/"),
    Family("backward 3x3", "band_backward",
           "^fused_conv/backward_add/dn121/3x3/28x28/128-32/"),
    Family("backward 1x1", "band_backward",
           "^fused_conv/backward_add/dn121/1x1/28x28/256-128/"),
    Family("stem", "pixel_gemm", ""),
    # The flush of the cache launches for_each_pack, too, with another body.
    Family("for_each_pack", "for_each_pack.*Add", "^elementwise/add/dn121/56x56/256/"),
    Family("chunk_moments", "chunk_moments", "^batch_norm/training/dn121/56x56/256/"),
    Family("norm gradient", "column_sums.*NormGradient", ""))
# Key of the row: the metric, under one of the names that generations of GPUs have for it.
METRICS = {
    "instructions": r"smsp__inst_executed\.sum",
    "issue_active_percent": r"sm__inst_issued\.avg\.pct_of_peak_sustained_active",
    "tensor_pipe_percent": r"sm__(inst_executed_pipe_tensor\w*|pipe_tensor\w*cycles_active)"
                           r"\.avg\.pct_of_peak_sustained_(active|elapsed)",
    "dram_percent": r"(gpu__dram_throughput|dram__throughput)\.avg\.pct_of_peak_sustained_elapsed",
    "dram_bytes_read": r"dram__bytes_read\.sum",
    "dram_bytes_written": r"dram__bytes_write\.sum",
    "nanoseconds": r"gpu__time_duration\.sum",
    "registers": r"launch__registers_per_thread",
    "occupancy_percent": r"sm__warps_active\.avg\.pct_of_peak_sustained_active"}


def number(text):
    return float(text.replace(",", ""))


def read_launch(path):
    """Metrics of the one launch that ncu has written as CSV, below lines of its own."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line for line in file if line.startswith('"')]
    rows = list(csv.reader(lines))
    if len(rows) < 3:  # names, units, values
        raise Failed("ncu saw no launch of the kernel")
    return dict(zip(rows[0], rows[2]))


def facts_of(path):
    launch = read_launch(path)
    facts = {"kernel": launch.get("Kernel Name", "")[:200]}
    for key, pattern in METRICS.items():
        found = [value for name, value in launch.items() if re.fullmatch(pattern, name)]
        values = [number(value) for value in found if re.fullmatch(r"[\d.,]+", value)]
        if values:
            facts[key] = max(values)
    if "nanoseconds" in facts:
        facts["detail"] = f"{facts['nanoseconds'] / 1000:.1f} us"
    return facts


def program_of(check, family):
    if family.case:
        return [check.kit.program("bench_kernels"), "--device", "cuda:0", "--cache", "cold",
                "--no-ceilings", "--benchmark_min_time=0.001", f"--benchmark_filter={family.case}bf16/cold/"]
    spec = runs.write_spec(check.results.path("ncu_train.json"), "densenet121", steps=1, batch=32)
    return [check.kit.program("train"), spec, "--device", "cuda:0", "--quiet", "--output",
            runs.fresh_folder(check.results.path("ncu_train"))]


def profile(check, family, limit):
    """ncu ends the program behind the launch, with whatever exit code: the launch counts."""
    step = "ncu " + family.name
    output = check.results.path(step.replace(" ", "_") + ".csv")
    if os.path.exists(output):
        os.remove(output)
    sections = [word for name in SECTIONS for word in ("--section", name)]
    outcome = check.results.run(
        step, [check.tools.path("ncu"), "--clock-control", "none", *sections, "--metrics", COUNTS,
               "--csv", "--page", "raw", "--print-units", "base", "--log-file", output,
               "--kernel-name-base", "demangled", "-k", f"regex:.*{family.kernel}.*", "-c", "1",
               "--kill", "yes", *program_of(check, family)], limit, check.kit.environment())
    status, detail, facts = outcome.status, outcome.detail, {}
    if outcome.code is not None:
        status, detail, facts = judged(Outcome("passed", ""), lambda: facts_of(output))
        detail += f" ({outcome.detail})" if status == "failed" and outcome.detail else ""
    check.results.add(step, status, detail, outcome.seconds, **facts)


def ncu(check, limit):
    reason = check.tools.reason("ncu")
    for family in FAMILIES:
        if reason:
            check.results.skip("ncu " + family.name, reason)
        elif not check.results.is_done("ncu " + family.name):
            profile(check, family, limit)
