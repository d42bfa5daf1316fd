# SPDX-License-Identifier: Apache-2.0
"""Steps that put training beside PyTorch, through bench_step."""
import json
import os
import statistics

import runs
import tools
from results import Failed

PYTORCH_SHARE = 0.7  # of a step's limit, for one program of it


def net_facts(result):
    memory = result["peak_memory_mib"]
    framework = next(key for key in memory if key != "accrete")
    layout = result["best_layout"]
    ours = statistics.median(result["accrete"])
    theirs = statistics.median(result[framework][layout])
    return {"images_per_second": ours, "pytorch_images_per_second": theirs,
            "ratio": result["ratio"], "peak_memory_mib": memory["accrete"],
            "pytorch_peak_memory_mib": memory[framework][layout], "layout": layout,
            "framework": framework,
            "detail": f"{ours:.1f} against {theirs:.1f} images/s ({layout}), ratio "
                      f"{result['ratio']:.2f}"}


def facts_of(path):
    """What compare.py found about each net; a row about one net has it without the net's name."""
    with open(path, encoding="utf-8") as file:
        results = json.load(file)["results"]
    nets = {name: net_facts(result) for name, result in results.items() if "error" not in result}
    errors = [f"{name}, {side}: {text}" for name, result in results.items()
              for side, text in result.get("error", {}).items()]
    if errors or not nets:
        raise Failed("; ".join(errors) or "no net was timed", nets=nets)
    if len(nets) == 1:
        return next(iter(nets.values()))
    return {"nets": nets, "detail": "; ".join(f"{name}: {net['detail']}"
                                              for name, net in nets.items())}


def compare(check, step, limit, precision, layouts, rounds, nets=()):
    reason = check.tools.reason(tools.TORCH)
    if reason:
        check.results.skip(step, reason)
        return
    output = check.results.path(step.replace(" ", "_") + ".json")
    if not check.results.is_done(step) and os.path.exists(output):
        os.remove(output)
    command = [check.python, os.path.join(check.kit.bench_step, "compare.py"), "--device", "cuda",
               "--train", check.kit.program("train"), "--train-libraries",
               check.kit.environment()["LD_LIBRARY_PATH"], "--python", check.python,
               "--precision", precision, "--layouts", *layouts, "--rounds", str(rounds),
               "--steps", str(runs.STEPS), "--limit", str(int(PYTORCH_SHARE * limit)),
               "--output", output]
    command += ["--nets", *nets] if nets else []
    check.results.check(step, command, limit, facts=lambda: facts_of(output))


def pytorch(check, limit):
    """A row for each layout and net; the better layout is the yardstick."""
    for layout, rounds in (("channels_last", 2), ("compiled", 1)):
        for net, name in runs.NETS.items():
            compare(check, f"pytorch {net} {layout}", limit, "bf16", [layout], rounds, [name])


def bench_step(check, limit):
    """What `pytorch` leaves out."""
    compare(check, "bench_step bf16 contiguous", limit, "bf16", ["contiguous"], 1)
    compare(check, "bench_step bf16 max_autotune", limit, "bf16", ["max_autotune"], 1)
    for precision in ("tf32", "fp32"):
        compare(check, "bench_step " + precision, limit, precision,
                ["channels_last", "contiguous"], 1)
