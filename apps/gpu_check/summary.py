# SPDX-License-Identifier: Apache-2.0
"""The numbers that matter most, in a few lines: of long output often only the end is seen."""
from collections import Counter

import runs

LAYOUTS = ("channels_last", "compiled")


def best_of_pytorch(results, net):
    """The row of the faster layout; None if none was timed."""
    rows = [results.passed(f"pytorch {net} {layout}") for layout in LAYOUTS]
    return max((row for row in rows if row), key=lambda row: row["pytorch_images_per_second"],
               default=None)


def net_line(results, net):
    ours = results.passed("headline " + net)
    theirs = best_of_pytorch(results, net)
    line = f"{runs.NETS[net]}, bf16: "
    if ours:
        line += f"{ours['images_per_second']:.1f} images/s, peak {ours['peak_memory_mib']:.0f} MiB"
    else:
        line += "not measured"
    if theirs:
        line += (f"; PyTorch {theirs['layout']} {theirs['pytorch_images_per_second']:.1f} "
                 f"images/s, peak {theirs['pytorch_peak_memory_mib']:.0f} MiB; ratio "
                 f"{theirs['ratio']:.2f}")
    else:
        line += "; PyTorch not measured"
    return line


def text(results):
    count = Counter(row["status"] for row in results.rows)
    counts = ", ".join(f"{number} {status}" for status, number in sorted(count.items()))
    lines = [counts or "no step"]
    failed = [row["step"] for row in results.failed()]
    if failed:
        lines.append("failed: " + ", ".join(failed))
    return "\n".join(lines + [net_line(results, net) for net in runs.NETS])
