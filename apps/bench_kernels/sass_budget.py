# SPDX-License-Identifier: Apache-2.0
"""The budget of a kernel: instructions of each kind per unit of work, and what a block needs.

Counts are those of one warp. A loop's count is that of all its blocks, taken or not, but for 64-bit
divisions (control_flow.py), for what only the last of many blocks does, and for divisions by the
stride, which are a part of their own ("strided")."""
import json
from collections import Counter, defaultdict

import control_flow
from command_line import Refusal
from kernel_table import SKIP
from loop_match import matched, products_of_code, units_in

FORMAT = "accrete machine code budget"
REGISTERS, WARP_REGISTERS = 65536, 256   # of a multiprocessor; allocated to a warp in steps of
SHARED, SHARED_PER_BLOCK = 233472, 1024  # of a multiprocessor; that the system takes of each block
MOST_WARPS, MOST_BLOCKS = 64, 32


class WrongBudget(Refusal):
    """The code is not what the table of kernels says, or the file is no budget."""


def measured(kernel, flow):
    """part -> Counter of kinds."""
    parts = defaultdict(Counter)
    late = flow.behind_tickets()
    loops = [loop for loop in flow.loops if loop.header not in late]
    add_loops(parts, kernel, flow, loops, kernel.loops)
    add_outside(parts, kernel, flow, late)
    return parts


def add(parts, part, kinds, turns):
    for kind, number in kinds.items():
        parts[part][kind] += number * turns


def add_loops(parts, kernel, flow, loops, descriptions):
    for described, loop, units in matched(kernel.key, loops, descriptions):
        if described.part is None:
            continue
        add_loop(parts, kernel, flow, loop, described, described.times / units)
        if described.inner is not SKIP:
            add_loops(parts, kernel, flow, loop.inner, described.inner)


def add_loop(parts, kernel, flow, loop, described, turns):
    kinds = loop.own()
    if described.optional:
        aside, unit = described.optional
        optional = control_flow.count(flow.optional(loop))
        kinds.subtract(optional)
        add(parts, aside, optional, 1 / max(1, units_in(optional, unit)))
    if described.strided:
        strided = control_flow.count(strided_blocks(kernel, flow, loop))
        kinds.subtract(strided)
        add(parts, "strided", strided, turns)
    add(parts, described.part, kinds, turns)


def strided_blocks(kernel, flow, loop):
    """What a pack of dgrad costs more if the stride is not 1: the first division finds the tap, the
    others divide by the stride, behind a test of their own."""
    optional = flow.optional(loop)
    divisions = [b for b in optional if any(i.opcode == "MUFU.RCP" for i in b.instructions)]
    if len(divisions) != 4:
        raise WrongBudget("%s: %d divisions in the loop at %#x, where dgrad has one by the width "
                          "of the filter and three by the stride" %
                          (kernel.key, len(divisions), loop.header.start))
    return [b for b in optional if divisions[1] in flow.dominators[b]]


def add_outside(parts, kernel, flow, late):
    blocks = [b for b in flow.outside() if b not in late]
    if kernel.outside != "before":
        add(parts, kernel.outside, control_flow.count(blocks), 1)
        return
    main = next(loop for loop in flow.loops if products_of_code(loop))
    before = [b for b in blocks if main.header in control_flow.reached(b)]
    add(parts, "before", control_flow.count(before), 1)
    # Only what the main loop leads to: the other role of a launch has its own way out.
    behind = control_flow.reached(main.header)
    add(parts, "after", control_flow.count([b for b in blocks if b in behind]), 1)


def blocks_per_sm(threads, registers, shared):
    """Blocks that registers and shared memory leave room for."""
    warps = threads // 32
    per_warp = -(-registers * 32 // WARP_REGISTERS) * WARP_REGISTERS
    return min(REGISTERS // per_warp // warps, SHARED // (shared + SHARED_PER_BLOCK),
               MOST_WARPS // warps, MOST_BLOCKS)


def entry(kernel, flow, usage):
    """The budget of one kernel as it goes into the file. usage: registers, shared, stack."""
    stages = max([tile.stage_bytes for tile in kernel.tiles] or [0])
    # cuobjdump counts what the system takes of a block, where a block has any.
    shared = max(0, usage["SHARED"] - SHARED_PER_BLOCK)
    result = {
        "threads": kernel.threads,
        "registers": usage["REG"],
        "stack_bytes": usage["STACK"],
        "static_shared_bytes": shared,
        "stage_bytes": stages,
        "blocks_per_sm": blocks_per_sm(kernel.threads, usage["REG"], shared + stages),
        "instructions": {part: counts(kinds)
                         for part, kinds in sorted(measured(kernel, flow).items())},
    }
    if kernel.tiles:
        result["tiles"] = {tile.part: tile._asdict() for tile in kernel.tiles}
        for tile in result["tiles"].values():
            del tile["part"]
    return result


def counts(kinds):
    result = {"all": rounded(sum(kinds.values()))}
    result.update((kind, rounded(number)) for kind, number in sorted(kinds.items()) if number)
    return result


def rounded(number):
    return int(number) if float(number).is_integer() else round(number, 2)


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            budget = json.load(file)
    except (OSError, ValueError) as error:
        raise WrongBudget("cannot read the budget %s: %s" % (path, error)) from error
    if not isinstance(budget, dict) or budget.get("format") != FORMAT:
        raise WrongBudget("%s is no budget: its format is not '%s'" % (path, FORMAT))
    return budget


def save(path, header, kernels):
    """One line for each part of a kernel, so that a change is a line of a diff."""
    rows = ["{"] + [" %s: %s," % (json.dumps(name), json.dumps(text))
                    for name, text in [("format", FORMAT)] + sorted(header.items())]
    rows.append(' "kernels": {')
    rows.append(",\n".join("  %s: {\n%s\n  }" % (json.dumps(key), kernel_lines(kernel))
                           for key, kernel in sorted(kernels.items())))
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n }\n}\n")


def kernel_lines(kernel):
    plain = {name: value for name, value in kernel.items() if not isinstance(value, dict)}
    rows = ["   " + json.dumps(plain)[1:-1]]
    for name in ("instructions", "tiles"):
        parts = ",\n".join("    %s: %s" % (json.dumps(part), json.dumps(values))
                           for part, values in kernel.get(name, {}).items())
        if parts:
            rows.append("   %s: {\n%s\n   }" % (json.dumps(name), parts))
    return ",\n".join(rows)
