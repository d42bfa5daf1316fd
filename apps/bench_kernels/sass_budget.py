# SPDX-License-Identifier: Apache-2.0
"""The budget of a kernel: instructions of each kind per unit of work, and what a block needs.

Counts are those of one warp. A loop's count is that of all its blocks, taken or not, but for 64-bit
divisions (control_flow.py), for what only the last of many blocks does, and for what its
description puts aside."""
import json
from collections import Counter, defaultdict

import control_flow
from command_line import Refusal
from kernel_loops import SKIP
from loop_match import matched, units_in

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
    outside = [b for b in flow.outside() if b not in late]
    around = [(described.around, loop) for described, loop, _ in
              matched(kernel.key, loops, kernel.loops) if described.around]
    for names, loop in around:
        add_around(parts, flow, outside, loop, names)
    if not around:
        add(parts, kernel.outside, control_flow.count(outside), 1)
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
    groups = [control_flow.count(group) for group in flow.asides(loop)]
    for part, unit in described.asides:
        fitting = [group for group in groups if units_in(group, unit)]
        groups = [group for group in groups if group not in fitting]
        for group in fitting:
            kinds.subtract(group)
        if fitting and part is not None:
            units, shortest = min(((units_in(group, unit), group) for group in fitting),
                                  key=lambda row: sum(row[1].values()) / row[0])
            add(parts, part, shortest, 1 / units)
    add(parts, described.part, kinds, turns)


def add_around(parts, flow, outside, loop, names):
    """What leads to a loop, and what it leads to and is on the way to a ticket, if one is drawn: a
    launch of two roles has two such loops, and blocks that draw none may have a way of their own."""
    before, after = names
    add(parts, before, control_flow.count(b for b in outside
                                          if loop.header in control_flow.reached(b)), 1)
    behind = control_flow.reached(loop.header)
    tickets = behind & set(flow.tickets())
    on_the_way = [b for b in outside if b in behind and
                  (not tickets or tickets & control_flow.reached(b))]
    add(parts, after, control_flow.count(on_the_way), 1)


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
