# SPDX-License-Identifier: Apache-2.0
"""Which loop of the code is which Loop of kernel_table.py, by what it holds."""
import control_flow
from command_line import Refusal
from kernel_loops import OTHERS, SKIP


class UnknownLoop(Refusal):
    """The code has a loop that the table does not know, or lacks one that it needs."""


def products_of_code(loop):
    return {kind for kind in control_flow.count(loop.blocks) if "mma_" in kind}


def products_of(described):
    inside = described.inner if described.inner is not SKIP else ()
    return set().union({kind for kind in described.unit if "mma_" in kind},
                       *(products_of(loop) for loop in inside))


def units_in(kinds, unit):
    """How many units of work some instructions are, or 0 if they are no whole number of them."""
    found = {kinds[kind] / number for kind, number in unit.items()} or {1.0}
    units = found.pop()
    return int(units) if not found and units == int(units) else 0


def units_of(described, loop):
    """Units of work of one turn of a loop, or 0 if it is not the one described."""
    if products_of(described) != products_of_code(loop):
        return 0
    return units_in(loop.own(), described.unit)


def counted(described, copies):
    """Of the copies of one loop that which counts, and its units of work."""
    rows = [(units_of(described, loop), loop) for loop in copies]
    choose = max if described.copies == "long" else min
    return choose(rows, key=lambda row: row[0])


def matched(name, loops, descriptions):
    """(description, loop, units of a turn) of those that are there. loops: of one level, in order."""
    wanted = [described for described in descriptions if described is not OTHERS]
    found, at = [[] for _ in wanted], -1
    for loop in loops:
        fitting = [i for i, described in enumerate(wanted) if units_of(described, loop) and
                   (i > at or described.copies)]
        if fitting:
            which = next((i for i in fitting if i > at), fitting[-1])
            at = max(at, which)
            found[which].append(loop)
        elif OTHERS not in descriptions:
            raise UnknownLoop("%s: its loop at %#x (%s) is none of those that kernel_table.py "
                              "describes; describe it there" %
                              (name, loop.header.start, summary(loop)))
    for described, copies in zip(wanted, found):
        if not copies and products_of(described):
            raise UnknownLoop("%s: none of its loops has the %s of one %s; describe it in "
                              "kernel_table.py as it is now" %
                              (name, described.unit or "products", described.part))
    return [(described,) + counted(described, copies)[::-1]
            for described, copies in zip(wanted, found) if copies]


def summary(loop):
    kinds = control_flow.count(loop.blocks)
    return " ".join("%s=%d" % row for row in sorted(kinds.items(), key=lambda row: -row[1])[:6])
