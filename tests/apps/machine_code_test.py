#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""machine_code.py of bench_kernels: loops, kinds and weights of machine code written by hand, as
cuobjdump prints it. Needs c++filt, and neither CUDA nor a GPU."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(ROOT, "apps", "bench_kernels")
sys.path.insert(0, SCRIPTS)

import control_flow  # noqa: E402
import kernel_table  # noqa: E402
import loop_match    # noqa: E402
import sass          # noqa: E402
import sass_budget   # noqa: E402
from kernel_loops import OTHERS, Kernel, Loop  # noqa: E402


def listing(name, *code):
    """A disassembly of the given instructions, 16 bytes each."""
    rows = ["\t\tFunction : " + name]
    rows += ["        /*%04x*/                   %s ;   /* 0x0000000000007918 */" % (16 * i, text)
             for i, text in enumerate(code)]
    return "\n".join(rows) + "\n"


NEST = listing(
    "nest",
    "MOV R1, c[0x0][0x28]",                 # 00
    "LDG.E.U16 R2, desc[UR4][R2.64]",       # 10: outer loop
    "LDGSTS.E.BYPASS.128 [R3], [R4.64]",    # 20
    "LDSM.16.MT88.4 R8, [R3]",              # 30: inner loop
    "HMMA.16816.F32.BF16 R8, R4, R6, R8",   # 40
    "@P0 BRA 0x30",                         # 50
    "@P1 BRA 0x90",                         # 60: around a 64-bit division
    "CALL.REL.NOINC 0xd0",                  # 70
    "BRA 0x90",                             # 80
    "STG.E.128 desc[UR4][R2.64], R4",       # 90
    "STS.U16 [R3], R4",                     # a0
    "@!P2 BRA 0x10",                        # b0
    "EXIT",                                 # c0
    "IABS R5, R6",                          # d0: the division
    "RET.REL.NODEC R6 0x0",                 # e0
    "BRA 0xf0")                             # f0: never reached


def flow_of(text):
    (name, body), = sass.functions(text.splitlines())
    return control_flow.Flow(name, body)


def run(*arguments):
    return subprocess.run([sys.executable, "-B", os.path.join(SCRIPTS, "machine_code.py"),
                           *arguments], capture_output=True, text=True, check=False)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class MachineCode(unittest.TestCase):
    def test_loops_kinds_and_widths(self):
        flow = flow_of(NEST)
        outer, = flow.loops
        inner, = outer.inner
        self.assertEqual(outer.own(), {"load_global_16": 1, "copy_async": 1, "control": 2,
                                       "store_global_128": 1, "store_shared_16": 1})
        self.assertEqual(inner.own(), {"matrix_x4": 1, "mma_16x8x16": 1, "control": 1})
        self.assertEqual((outer.depth, inner.depth), (0, 1))
        self.assertEqual(control_flow.count(flow.outside()), {"integer": 1, "control": 1})
        rare = [block.start for block in flow.blocks if block.rare]
        self.assertEqual(sorted(rare), [0x70, 0x80])

    def test_a_jump_back_from_code_moved_out_of_line_is_no_loop(self):
        flow = flow_of(listing("f", "@P0 BRA 0x40", "MOV R1, R2", "STG.E [R1], R2", "EXIT",
                               "FADD R2, R2, R3", "BRA 0x20"))
        self.assertEqual(flow.loops, [])
        self.assertEqual(control_flow.count(flow.outside())["fp32"], 1)

    def test_only_the_last_block_goes_behind_its_ticket(self):
        flow = flow_of(listing("f", "@P0 BRA 0x40", "ATOMG.E.INC R1, [R2], R3", "@P1 BRA 0x40",
                               "CCTL.IVALL", "BAR.SYNC 0x0", "@P2 EXIT", "DADD R2, R2, R4",
                               "EXIT"))
        self.assertEqual(sorted(b.start for b in flow.behind_tickets()), [0x60])

    def test_malformed_code_is_refused(self):
        for text, message in (("not a listing", "no function"),
                              (listing("f"), "no instructions"),
                              (listing("f", "@P0 BRA 0x500", "EXIT"), "leads nowhere")):
            with self.assertRaisesRegex(sass.MalformedCode, message):
                flow_of(text)

    def test_program_prints_and_fails_clearly(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "code.sass")
            write(path, NEST)
            got = run(path)
            self.assertEqual(got.returncode, 0, got.stderr)
            self.assertIn("loop at 0x30, own  3:", got.stdout)
            self.assertEqual(run(path, "--kernel", "other").returncode, 1)
            self.assertEqual(run().returncode, 2)
            write(path, "nothing of the kind\n")
            got = run(path)
            self.assertEqual(got.returncode, 1)
            self.assertIn("no function", got.stderr)
            self.assertNotIn("Traceback", got.stderr)


def one_loop(*extra):
    """A loop from the second instruction on."""
    return ("MOV R1, R2",) + extra + ("@P0 BRA 0x10", "EXIT")


def two_loops(first, second):
    """One behind the other."""
    start = 16 * (len(first) + 1)
    return (tuple(first) + ("@P0 BRA 0x0",) + tuple(second) + ("@P0 BRA %#x" % start, "EXIT"))


LOAD, STORE, ADD = "LDG.E R2, [R4]", "STS [R3], R4", "FADD R1, R1, R2"
PRODUCT = "HMMA.16816.F32.BF16 R8, R4, R6, R8"


class Budgets(unittest.TestCase):
    def measured(self, code, *loops, outside="thread"):
        kernel = Kernel("forward/bf16/16x8/vector", 32, outside, loops)
        return sass_budget.measured(kernel, flow_of(listing("f", *code)))

    def refused(self, message, code, *loops):
        with self.assertRaisesRegex(loop_match.UnknownLoop, message):
            self.measured(code, *loops)

    def test_a_loop_counts_for_its_units_however_often_it_is_unrolled(self):
        loop = Loop("item", {"load_global_32": 1}, 3)
        parts = self.measured(one_loop(ADD, LOAD), loop)
        self.assertEqual(parts["item"], {"fp32": 3, "load_global_32": 3, "control": 3})
        self.assertEqual(parts["thread"], {"integer": 1, "control": 1})
        parts = self.measured(one_loop(*[ADD, LOAD] * 4), loop)
        self.assertEqual(parts["item"], {"fp32": 3, "load_global_32": 3, "control": 0.75})

    def test_a_loop_is_found_by_its_instructions_not_by_its_place(self):
        stores, loads = Loop("a", {"store_shared_32": 1}), Loop("b", {"load_global_32": 1})
        for unrolled in (1, 2):
            parts = self.measured(two_loops([STORE], [LOAD] * unrolled), stores, loads)
            self.assertEqual(parts["a"]["store_shared_32"], 1)
            self.assertEqual(parts["b"]["load_global_32"], 1)
        # One that is not there any more is part of what surrounds it.
        parts = self.measured(one_loop(LOAD), stores, loads)
        self.assertNotIn("a", parts)

    def test_a_loop_without_part_is_not_counted(self):
        parts = self.measured(one_loop(LOAD), Loop(None, {"load_global_32": 1}))
        self.assertEqual(parts, {"thread": {"integer": 1, "control": 1}})

    def test_of_copies_the_short_or_the_long_one_counts(self):
        code = two_loops([LOAD], [LOAD] * 4 + [ADD])
        for copies, additions in (("short", 0), ("long", 0.25)):
            parts = self.measured(code, Loop("item", {"load_global_32": 1}, copies=copies))
            self.assertEqual(parts["item"]["fp32"], additions)
        self.refused("loop at 0x20 .* is none of those", code, Loop("item", {"load_global_32": 1}))

    def test_a_loop_that_nobody_describes_is_refused(self):
        self.refused(r"loop at 0x10 \(.*fp32=1.*\) is none", one_loop(ADD),
                     Loop("item", {"load_global_32": 1}))
        parts = self.measured(one_loop(ADD), Loop("item", {"load_global_32": 1}), OTHERS)
        self.assertEqual(set(parts), {"thread"})

    def test_products_make_a_main_loop(self):
        step = Loop("k_step", {"mma_16x8x16": 2}, around=("before", "after"))
        parts = self.measured(one_loop(*[PRODUCT] * 4), step)
        self.assertEqual(parts["k_step"], {"mma_16x8x16": 2, "control": 0.5})
        self.assertEqual((parts["before"], parts["after"]), ({"integer": 1}, {"control": 1}))
        self.refused("is none of those", one_loop(*[PRODUCT] * 3), step)
        self.refused("is none of those", one_loop(PRODUCT), Loop("item"))
        self.refused("none of its loops has the .*mma_16x8x16", ("EXIT",), step)

    def test_what_a_turn_may_go_around_counts_apart(self):
        # Four loads or, at 0x80, three additions more; then a store that is thrown away.
        code = ("@P0 BRA 0x80",) + (LOAD,) * 4 + ("BRA 0x100", "NOP", "NOP") + (LOAD,) * 4 + (
            ADD,) * 4 + ("@P1 BRA 0x120", STORE, "@P2 BRA 0x0", "EXIT")
        aside = (("fill", {"load_global_32": 2}), (None, {"store_shared_32": 1}))
        parts = self.measured(code, Loop("item", asides=aside))
        self.assertEqual(parts["fill"], {"load_global_32": 2, "control": 0.5})
        self.assertEqual(+parts["item"], {"control": 3})

    def test_two_roles_and_their_ways_to_a_ticket(self):
        ticket = ("@P0 BRA 0x%x", "ATOMG.E.INC R1, [R2], R3", "BAR.SYNC 0x0", "@P2 EXIT",
                  "DADD R2, R2, R4", "EXIT")
        code = ("@P3 BRA 0x80", ADD, PRODUCT, "@P0 BRA 0x20", STORE) + ticket[2:4] + ("EXIT",) + (
            LOAD, PRODUCT, PRODUCT, "@P0 BRA 0x90", "@P4 BRA 0x130", "@P0 BRA 0xf0") + (
            ticket[1:]) + (STORE, "EXIT")
        loops = (Loop("step", {"mma_16x8x16": 1}, around=("tile", "tile")),
                 Loop("range_step", {"mma_16x8x16": 2}, around=("range", "end")))
        parts = self.measured(code, *loops)
        self.assertEqual(parts["tile"], {"control": 3, "fp32": 1, "store_shared_32": 1, "sync": 1})
        self.assertEqual(parts["range"], {"control": 1, "load_global_32": 1})
        self.assertNotIn("fp64", parts["end"])
        self.assertNotIn("store_shared_32", parts["end"])  # on the way that draws no ticket

    def test_blocks_that_a_multiprocessor_has_room_for(self):
        self.assertEqual(sass_budget.blocks_per_sm(256, 128, 0), 2)     # registers
        self.assertEqual(sass_budget.blocks_per_sm(256, 32, 0), 8)      # warps
        self.assertEqual(sass_budget.blocks_per_sm(128, 32, 90000), 2)  # shared memory

    def test_names(self):
        scope = "void a::b::(anonymous namespace)::"
        wgrad = "a::Wgrad3x3<a::DeferredGradientPacks, a::NormReluPacks, 32, 16>"
        dgrad = "a::DgradShape<3, a::Tile<256, 32, 64, 32, 32>, 3, 3, a::DeferredGradientPacks, " \
                "a::NormGradientTarget, 16>"
        for name, arguments, key in (
                ("band_backward_kernel", dgrad + ", " + wgrad, "band_backward/3x3/256x32+32/16"),
                ("band_dgrad_kernel", dgrad, "band_dgrad/3x3/256x32/deferred/norm/16"),
                ("band_wgrad_kernel", wgrad, "band_wgrad/3x3/32/deferred+norm_relu/16")):
            kernel = kernel_table.kernel_of("%s%s<%s >(int)" % (scope, name, arguments))
            self.assertEqual((kernel.key, kernel.threads), (key, 128))
        self.assertIsNone(kernel_table.kernel_of("void a::elsewhere<int>(int)"))


if __name__ == "__main__":
    unittest.main()
