#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the machine code of a CUDA build with kernels/sass_budget.json.

  sass_check.py --budget kernels/sass_budget.json --nvcc 13.0.88 build/.../*.cu.o
  sass_check.py --update ...

Of each kernel that kernel_table.py describes: instructions of each of its parts, width of its stores
to global memory, registers, stack (spills), shared memory, blocks per multiprocessor. What is more
than 3 % off is one line per kernel, whether it is worse or better, since the table must not lie.
--update writes the table anew. Counts depend on the compiler: with another nvcc than the table's
nothing is compared.

Exit codes: 0 as the table says, 1 not, 2 usage, 77 nothing compared, and why."""
import re
import sys

import control_flow
import kernel_table
import machine_code
import sass_budget
from command_line import Refusal, make_parser, run

TOLERANCE = 0.03
SKIPPED = 77
LESS_IS_BETTER = ("registers", "stack_bytes", "static_shared_bytes", "stage_bytes")
MORE_IS_BETTER = ("blocks_per_sm",)
STORE = re.compile(r"store_global_(\d+)$")


class Worse(Refusal):
    """The code differs from the table."""


def store_bits(kinds):
    """Average width of a part's stores to global memory; 0 if it has none."""
    stores = [(int(STORE.match(kind).group(1)), number) for kind, number in kinds.items()
              if STORE.match(kind)]
    return sum(bits * n for bits, n in stores) / sum(n for _, n in stores) if stores else 0.0


def change(was, now):
    return (now - was) / was if was else float(now != 0)


def described_change(name, was, now):
    return "%s %g, was %g%s" % (name, round(now, 2), round(was, 2),
                                " (%+.1f %%)" % (100 * change(was, now)) if was else "")


def kinds_changed(was, now):
    """The kinds of instructions that account for most of a change."""
    kinds = {kind: now.get(kind, 0) - was.get(kind, 0) for kind in {*was, *now} - {"all"}}
    most = sorted(kinds.items(), key=lambda row: (-abs(row[1]), row[0]))[:3]
    return ", ".join("%s %+g" % (kind, round(number, 2)) for kind, number in most if number)


class Comparison:
    """One kernel: `worse` and `better` are lists of texts, `largest` the largest change below the
    tolerance."""

    def __init__(self, was, now):
        self.worse, self.better, self.largest = [], [], 0.0
        for name in LESS_IS_BETTER:
            self.add(name, was[name], now[name], 1)
        for name in MORE_IS_BETTER:
            self.add(name, was[name], now[name], -1, 0.0)
        if was["threads"] != now["threads"]:
            self.worse.append("threads %d, were %d" % (now["threads"], was["threads"]))
        old, new = was["instructions"], now["instructions"]
        for part in sorted({*old, *new}):
            if part in old and part in new:
                self.add_part(part, old[part], new[part])
            else:
                self.worse.append("%s is %s" % (part, "new" if part in new else "gone"))

    def add(self, name, was, now, sign, tolerance=TOLERANCE, note=""):
        off = change(was, now)
        if abs(off) <= tolerance:
            self.largest = max(self.largest, abs(off))
            return
        (self.worse if sign * off > 0 else self.better).append(
            described_change(name, was, now) + note)

    def add_part(self, part, was, now):
        kinds = kinds_changed(was, now)
        self.add("instructions of " + part, was["all"], now["all"], 1,
                 note=": " + kinds if kinds else "")
        if store_bits(was) and store_bits(now):
            self.add("bits of a store to global memory in " + part, store_bits(was),
                     store_bits(now), -1)


def findings(was, now):
    """(lines about kernels that differ, largest change of the others). was, now: key -> budget."""
    lines, largest = [], 0.0
    for key in sorted({*was, *now}):
        if key not in now:
            lines.append("%s: missing, the table has it" % key)
        elif key not in was:
            lines.append("%s: unknown, the table does not have it" % key)
        else:
            compared = Comparison(was[key], now[key])
            largest = max(largest, compared.largest)
            if compared.worse:
                lines.append("%s: worse than the table: %s" %
                             (key, "; ".join(compared.worse + compared.better)))
            elif compared.better:
                lines.append("%s: better than the table: %s" % (key, "; ".join(compared.better)))
    return lines, largest


def has_products(body):
    """Whether a kernel multiplies matrices in bf16, which every step spends its time on."""
    return any(i.name in ("HMMA", "HGMMA") and ".BF16" in i.opcode for i in body)


def short(clear):
    """A demangled name without scopes and arguments."""
    return kernel_table.SCOPE.sub("", clear).split(">(")[0] + ">"


def entries_of(path, cuobjdump, arch):
    """(key, budget or why there is none) of the kernels of a binary that matter."""
    listing, usage_text = machine_code.dumped(path, cuobjdump, arch)
    usage = machine_code.usages(usage_text)
    if "Function :" not in listing:
        return
    for name, clear, kernel, body in machine_code.named(listing):
        if kernel is None and has_products(body):
            yield short(clear), "not described in kernel_table.py, which takes a few lines"
        elif kernel is not None and "/tf32/" not in kernel.key:
            try:
                flow = control_flow.Flow(kernel.key, body)
                yield kernel.key, sass_budget.entry(kernel, flow, usage[name])
            except Refusal as error:
                yield kernel.key, str(error).removeprefix(kernel.key + ": ")


def measured(arguments):
    """Budgets by key, and lines about kernels that have none."""
    budgets, lines = {}, []
    cuobjdump = machine_code.tool("cuobjdump", arguments.cuobjdump)
    for path in arguments.files:
        for key, found in entries_of(path, cuobjdump, arguments.arch):
            if isinstance(found, str):
                lines.append("%s: %s" % (key, found))
            budgets[key] = found
    return budgets, lines


def update(arguments):
    budgets, lines = measured(arguments)
    if lines:
        raise Worse("not updated\n  " + "\n  ".join(lines))
    sass_budget.save(arguments.budget, {"arch": arguments.arch, "nvcc": arguments.nvcc}, budgets)
    print("sass_check: %d kernels written to %s" % (len(budgets), arguments.budget))


def check(arguments, table):
    budgets, lines = measured(arguments)
    without = {key for key, found in budgets.items() if isinstance(found, str)}
    more, largest = findings(*({key: entry for key, entry in table.items() if key not in without}
                               for table in (table["kernels"], budgets)))
    lines += more
    if lines:
        raise Worse("%d kernels are not as %s says\n  %s\nIf that is meant, update the table: %s" %
                    (len(lines), arguments.budget, "\n  ".join(lines), arguments.how_to_update))
    print("sass_check: %d kernels as %s says, the largest change is %.1f %%" %
          (len(budgets), arguments.budget, 100 * largest))


def parsed(argv):
    parser = make_parser(__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="objects or libraries")
    parser.add_argument("--budget", required=True, metavar="FILE.json", help="the table")
    parser.add_argument("--nvcc", required=True, metavar="VERSION", help="that compiled them")
    parser.add_argument("--arch", default="sm_90", help="of a file with several (default: sm_90)")
    parser.add_argument("--update", action="store_true", help="write the table")
    parser.add_argument("--how-to-update", default="sass_check.py --update", metavar="COMMAND",
                        help="named where something differs")
    parser.add_argument("--unlike", default="", metavar="REASON",
                        help="why this build is not comparable; empty if it is")
    parser.add_argument("--cuobjdump", metavar="PATH", help="default: in PATH or the toolkit")
    return parser.parse_args(argv)


def reason_to_skip(arguments, table):
    if arguments.unlike:
        return arguments.unlike
    if not arguments.update and table["nvcc"] != arguments.nvcc:
        return ("this is nvcc %s, the table is of %s, and counts depend on it" %
                (arguments.nvcc, table["nvcc"]))
    try:
        machine_code.tool("cuobjdump", arguments.cuobjdump)
    except machine_code.MissingTool:
        return ("there is no cuobjdump: put one into PATH or name it by ACCRETE_CUOBJDUMP "
                "(the CUDA toolkit and PyPI's package triton have it)")
    return ""


def main(argv=None):
    arguments = parsed(argv)
    skipped = []

    def work():
        table = {} if arguments.update else sass_budget.load(arguments.budget)
        reason = reason_to_skip(arguments, table)
        if reason:
            skipped.append("sass_check: skipped: " + reason)
        elif arguments.update:
            update(arguments)
        else:
            check(arguments, table)

    failed = run("sass_check", work)
    print("\n".join(skipped), end="\n" if skipped else "")
    return failed or (SKIPPED if skipped else 0)


if __name__ == "__main__":
    sys.exit(main())
