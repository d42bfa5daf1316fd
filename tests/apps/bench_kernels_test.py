#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_kernels on the CPU: bench_kernels_test.py PROGRAM. Asserts no times, only that results are
there and say where they come from."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)
CASE = "conv/forward/bc100/1x1/8x8/150-48/f32/warm"
QUICK = ["--device", "cpu", "--batch", "1", "--benchmark_min_time=0.001"]


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False,
                          env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"})


class Results(unittest.TestCase):
    def test_json_has_rates_and_circumstances(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "result.json")
            got = run(*QUICK, f"--benchmark_filter=^{CASE}/process", "--benchmark_out=" + path)
            self.assertEqual(got.returncode, 0, got.stderr)
            with open(path, encoding="utf-8") as file:
                result = json.load(file)
        context = result["context"]
        for key in ("commit", "compiler", "command", "cpu", "threads"):
            self.assertTrue(context[key], key)
        self.assertIn(CASE, context["command"])
        self.assertGreater(float(context["copy_bytes_per_second"]), 0)
        self.assertEqual(len(result["benchmarks"]), 1)
        row = result["benchmarks"][0]
        self.assertTrue(row["name"].startswith(CASE))
        self.assertNotIn("error_occurred", row)
        for counter in ("FLOP/s", "bytes/s", "of_copy", "of_peak"):
            self.assertGreater(row[counter], 0, counter)
        # 64 pixels, twice 150 * 48 operations each; x, weight and y once in f32.
        self.assertAlmostEqual(row["FLOP/s"] / row["bytes/s"],
                               2 * 64 * 150 * 48 / (4 * (64 * 150 + 150 * 48 + 64 * 48)), delta=0.01)

    def test_every_family_runs(self):
        got = run(*QUICK, "--table", "--benchmark_filter=d2l96")
        self.assertEqual(got.returncode, 0, got.stdout + got.stderr)
        table = got.stdout[got.stdout.index("of copy, of gemm"):]
        for family in ("conv", "linear", "batch_norm", "relu", "pool", "elementwise", "dropout",
                       "softmax_cross_entropy", "optimizer", "image_batch"):
            self.assertTrue(f"\n{family}/" in table, family)

    def test_no_table_unless_asked_for(self):
        got = run(*QUICK, f"--benchmark_filter=^{CASE}/process")
        self.assertNotIn("of copy, of gemm", got.stdout)


class Mistakes(unittest.TestCase):
    def refused(self, words, *arguments):
        got = run(*arguments)
        self.assertEqual(got.returncode, 2, got.stdout + got.stderr)
        self.assertIn(words, got.stdout + got.stderr)

    def test_are_named(self):
        self.refused("--device cuda:0: ", "--device", "cuda:0")
        self.refused("--device tpu: expected", "--device", "tpu")
        self.refused("unrecognized", "--frobnicate")
        self.refused("--cache cold", "--device", "cpu", "--cache", "cold")
        self.refused("Failed to match", *QUICK, "--benchmark_filter=nothing_like_it")


if __name__ == "__main__":
    unittest.main()
