#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sass_check.py of bench_kernels: tables written by hand, and a stand-in for cuobjdump. Needs
c++filt, and neither CUDA nor a GPU."""
import copy
import os
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(ROOT, "apps", "bench_kernels")
sys.path.insert(0, SCRIPTS)

import sass_budget  # noqa: E402
import sass_check   # noqa: E402

KEY = "forward/bf16/128x32/vector/plain/bias"
KERNEL = {"threads": 256, "registers": 100, "stack_bytes": 0, "static_shared_bytes": 1536,
          "stage_bytes": 38400, "blocks_per_sm": 2, "instructions": {
              "k_step": {"all": 100, "integer": 68, "mma_16x8x16": 32},
              "after": {"all": 50, "integer": 42, "store_global_128": 8}}}


def changed(part=None, **values):
    """The kernel with other numbers, or with other instructions of a part."""
    kernel = copy.deepcopy(KERNEL)
    kernel["instructions"][part].update(values) if part else kernel.update(values)
    return kernel


class Comparer(unittest.TestCase):
    def lines(self, now, was=None):
        return sass_check.findings(was or {KEY: KERNEL}, now)[0]

    def line(self, now):
        found, = self.lines({KEY: now})
        self.assertTrue(found.startswith(KEY + ": "), found)
        return found

    def test_the_same_and_what_is_within_the_tolerance_pass(self):
        self.assertEqual(self.lines({KEY: KERNEL}), [])
        for now in (changed("k_step", all=102, integer=70), changed(registers=98),
                    changed("k_step", all=98, integer=66), changed(static_shared_bytes=1568)):
            self.assertEqual(self.lines({KEY: now}), [])
        _, largest = sass_check.findings({KEY: KERNEL}, {KEY: changed("k_step", all=102)})
        self.assertAlmostEqual(largest, 0.02)

    def test_a_longer_loop_fails_and_is_named(self):
        line = self.line(changed("k_step", all=104, integer=72))
        self.assertIn("worse than the table: instructions of k_step 104, was 100 (+4.0 %): "
                      "integer +4", line)
        self.assertNotIn("after", line)

    def test_an_improvement_fails_and_asks(self):
        line = self.line(changed("k_step", all=96, integer=64))
        self.assertIn("better than the table: instructions of k_step 96, was 100 (-4.0 %)", line)
        self.assertIn("better than the table: blocks_per_sm 3, was 2",
                      self.line(changed(blocks_per_sm=3)))

    def test_narrower_stores_fail(self):
        narrow = changed("after", store_global_128=7, store_global_16=1)
        self.assertIn("worse than the table: bits of a store to global memory in after 114, was 128",
                      self.line(narrow))

    def test_what_a_block_needs(self):
        for values, text in (({"registers": 104}, "registers 104, was 100"),
                             ({"stack_bytes": 8}, "stack_bytes 8, was 0"),
                             ({"blocks_per_sm": 1}, "blocks_per_sm 1, was 2"),
                             ({"stage_bytes": 40000}, "stage_bytes 40000, was 38400"),
                             ({"threads": 128}, "threads 128, were 256")):
            self.assertIn("worse than the table: " + text, self.line(changed(**values)))

    def test_one_line_for_all_that_differs_in_a_kernel(self):
        now = changed("k_step", all=90, integer=58)
        now["registers"] = 120
        line = self.line(now)
        self.assertIn("worse than the table: registers 120", line)
        self.assertIn("; instructions of k_step 90", line)

    def test_missing_and_unknown_kernels_and_parts_fail(self):
        self.assertEqual(self.lines({}), [KEY + ": missing, the table has it"])
        self.assertEqual(self.lines({KEY: KERNEL, "new": KERNEL}),
                         ["new: unknown, the table does not have it"])
        without = copy.deepcopy(KERNEL)
        del without["instructions"]["after"]
        self.assertIn("after is gone", self.line(without))
        self.assertEqual(self.lines({KEY: KERNEL}, {KEY: without}),
                         [KEY + ": worse than the table: after is new"])


SUM = "void a::for_each_pack<a::SumRanges>(int)"
CONV = "void a::convolve<int>(int)"
# A loop over items, and a product that nobody has described.
CODE = {SUM: ["MOV R1, R2", "IADD3 R1, R1, R2, R3", "STG.E [R4], R1", "@P0 BRA 0x10", "EXIT"],
        CONV: ["HMMA.16816.F32.BF16 R8, R4, R6, R8", "@P0 BRA 0x0", "EXIT"]}
STAND_IN = """#!/bin/sh
for last; do :; done
cat "$last$1"
"""


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.write("cuobjdump", STAND_IN)
        os.chmod(self.path("cuobjdump"), stat.S_IRWXU)
        self.compile([SUM])

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def compile(self, kernels, longer=0):
        listing, usage = [], []
        for name in kernels:
            code = CODE[name][:1] + ["NOP"] * longer + CODE[name][1:]
            listing.append("Function : " + name.replace(" ", "_"))
            listing += ["/*%04x*/ %s ;" % (16 * i, text.replace("0x10", hex(16 * (1 + longer))))
                        for i, text in enumerate(code)]
            usage.append("Function %s:\n REG:32 STACK:0 SHARED:0 LOCAL:0" % name.replace(" ", "_"))
        self.write("x.o-sass", "\n".join(listing) + "\n")
        self.write("x.o-res-usage", "\n".join(usage) + "\n")

    def check(self, *arguments, nvcc="13.0.88", cuobjdump=None):
        command = [sys.executable, "-B", os.path.join(SCRIPTS, "sass_check.py"), "--nvcc", nvcc,
                   "--budget", self.path("table.json"), "--cuobjdump",
                   cuobjdump or self.path("cuobjdump"), *arguments, self.path("x.o")]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def updated(self):
        got = self.check("--update")
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertIn("1 kernels written", got.stdout)

    def test_update_then_as_the_table_says(self):
        self.updated()
        table = sass_budget.load(self.path("table.json"))
        self.assertEqual(table["nvcc"], "13.0.88")
        got = self.check()
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertIn("1 kernels as", got.stdout)

    def test_a_difference_says_how_to_update(self):
        self.updated()
        self.compile([SUM], longer=1)
        got = self.check("--how-to-update", "make update")
        self.assertEqual(got.returncode, 1)
        self.assertIn("worse than the table: instructions of thread 3, was 2", got.stderr)
        self.assertIn("update the table: make update", got.stderr)

    def test_a_product_without_description_fails(self):
        self.updated()
        self.compile([SUM, CONV])
        for arguments in ((), ("--update",)):
            got = self.check(*arguments)
            self.assertEqual(got.returncode, 1)
            self.assertRegex(got.stderr, r"convolve.*: not described in kernel_table.py")
            self.assertEqual(got.stderr.count("convolve"), 1)

    def test_skips_and_says_why(self):
        self.updated()
        for arguments, change, reason in (
                ((), {"nvcc": "12.9.1"}, "nvcc 12.9.1, the table is of 13.0.88"),
                (("--unlike", "a debug build"), {}, "a debug build"),
                ((), {"cuobjdump": self.path("absent")}, "no cuobjdump")):
            got = self.check(*arguments, **change)
            self.assertEqual(got.returncode, 77, got.stderr)
            self.assertIn("sass_check: skipped: ", got.stdout)
            self.assertIn(reason, got.stdout)


if __name__ == "__main__":
    unittest.main()
