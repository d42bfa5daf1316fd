#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_kernels on the CPU: bench_kernels_test.py PROGRAM. Asserts no times, only that results are
there and say where they come from."""
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(SOURCE, "apps", "bench_kernels")
sys.dont_write_bytecode = True
sys.path.insert(0, SCRIPTS)
import cudnn_fused  # noqa: E402

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


class Rows(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "rows.jsonl")

    def lines(self):
        with open(self.path, encoding="utf-8") as file:
            return file.readlines()

    def rows(self):
        return [json.loads(line) for line in self.lines()]

    def test_context_and_results(self):
        name = CASE.removesuffix("/f32/warm")
        got = run(*QUICK, f"--benchmark_filter=^{name}/", "--rows", self.path)
        self.assertEqual(got.returncode, 0, got.stderr)
        first, *rows = self.rows()
        for key in ("commit", "compiler", "command", "cpu", "threads", "copy_bytes_per_second"):
            self.assertTrue(first["context"][key], key)
        own = {row["name"]: row for row in rows if row["implementation"] == ""}
        self.assertEqual(list(own), [name + "/f32/warm", name + "/bf16/warm"])
        for row in own.values():
            for key in ("microseconds", "bytes_per_second", "flops_per_second", "of_copy"):
                self.assertGreater(row[key], 0, key)
            self.assertNotIn("error", row)
            self.assertTrue(row["kernel"])
            operations = row["flops_per_second"] * row["microseconds"] * 1e-6
            self.assertAlmostEqual(operations / (2 * 64 * 150 * 48), 1, places=6)

    def test_without_ceilings_there_are_no_shares(self):
        got = run(*QUICK, f"--benchmark_filter=^{CASE}/process", "--no-ceilings", "--rows",
                  self.path)
        self.assertEqual(got.returncode, 0, got.stderr)
        first, row = self.rows()
        self.assertNotIn("copy_bytes_per_second", first["context"])
        self.assertEqual([key for key in row if key.startswith("of_")], [])
        self.assertGreater(row["microseconds"], 0)

    def test_a_run_that_is_killed_leaves_what_it_has_measured(self):
        program = subprocess.Popen([PROGRAM, *QUICK, "--no-ceilings", "--rows", self.path],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        while program.poll() is None and not (os.path.exists(self.path) and len(self.lines()) > 3):
            time.sleep(0.01)
        self.assertIsNone(program.poll(), "the run was over before a row was there")
        program.send_signal(signal.SIGKILL)
        program.wait()
        self.assertTrue(all(line.endswith("\n") for line in self.lines()))
        first, *rows = self.rows()
        self.assertIn("context", first)
        self.assertTrue(all(row["name"].startswith("fused_conv/") for row in rows))


class Order(unittest.TestCase):
    @staticmethod
    def names(*arguments):
        got = run("--device", "cpu", "--benchmark_list_tests", *arguments)
        return [line.split("/") for line in got.stdout.splitlines()]

    @staticmethod
    def met(values):
        """Each once, in the order of their first appearance."""
        return list(dict.fromkeys(values))

    def test_fused_convolutions_of_dn121_come_first(self):
        names = self.names("--arithmetic", "bf16")
        self.assertEqual(self.met(name[0] for name in names)[:3], ["fused_conv", "conv", "linear"])
        networks = [name[2] for name in names if name[0] == "fused_conv"]
        self.assertEqual(self.met(networks), ["dn121", "d2l96", "bc100"])
        self.assertEqual(networks, sorted(networks, key=self.met(networks).index))
        self.assertFalse([name for name in names if "bf16" not in name])

    def test_arithmetic_follows_arithmetic(self):
        chosen = [["--arithmetic", "bf16", "f32"], ["--arithmetic", "bf16,f32,bf16"]]
        for arguments, order in zip([[], *chosen], [["f32", "bf16"], *2 * [["bf16", "f32"]]]):
            found = [part for name in self.names(*arguments) for part in name
                     if part in ("f32", "bf16", "tf32")]
            self.assertEqual(self.met(found), order)
            self.assertEqual(found, sorted(found, key=order.index))

    def test_a_yardstick_stands_behind_its_kernel(self):
        names = ["/".join(name) for name in self.names()]
        for at, name in enumerate(names):
            if "/openblas" in name:
                self.assertEqual(names[at - 1], name.replace("/openblas", ""))


class CudnnFused(unittest.TestCase):
    """What needs neither cuDNN nor PyTorch."""

    def shapes(self, nets, batch=None):
        names = run("--device", "cpu", "--benchmark_list_tests").stdout.splitlines()
        fused = {"/".join(name.split("/")[2:6]) for name in names
                 if name.startswith("fused_conv/forward/") and name.split("/")[2] in nets}
        shapes = cudnn_fused.shapes_of(names, nets, batch)
        self.assertEqual({shape.name for shape in shapes}, fused)
        self.assertEqual(len(shapes), len(fused))
        return shapes

    def test_has_the_shapes_of_the_fused_cases(self):
        shapes = self.shapes(["dn121", "d2l96"])
        self.assertEqual(shapes[0], cudnn_fused.Shape("dn121/1x1/56x56/64-128", 64, 56, 64, 128, 1))
        self.assertEqual({shape.N for shape in shapes}, {64, 256})
        self.assertEqual({shape.N for shape in self.shapes(["bc100"], 3)}, {3})

    def test_a_refused_graph_is_a_row(self):
        class Gpu:
            cudnn = handle = None
            calls = 1

            @staticmethod
            def facts():
                return {"gpu": "none"}

        file = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()):
            timed = cudnn_fused.measure(Gpu(), self.shapes(["dn121"])[:2], cudnn_fused.GRAPHS[:2],
                                        file)
        self.assertEqual(timed, 0)
        first, *rows = [json.loads(line) for line in file.getvalue().splitlines()]
        self.assertEqual(first["context"]["gpu"], "none")
        self.assertEqual(len(rows), 4)
        for row in rows:
            self.assertEqual(row["implementation"], "cudnn_fused")
            self.assertIn("AttributeError", row["error"])
        self.assertEqual(rows[0]["name"], "fused_conv/forward/dn121/1x1/56x56/64-128/bf16/cold")

    def test_says_what_is_missing(self):
        got = subprocess.run([sys.executable, "-B", os.path.join(SCRIPTS, "cudnn_fused.py")],
                             capture_output=True, text=True, check=False,
                             env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"})
        self.assertEqual(got.returncode, 77, got.stderr)
        self.assertEqual(len(got.stdout.splitlines()), 1)
        self.assertIn("needs PyTorch with a GPU and nvidia-cudnn-frontend: ", got.stdout)


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
        self.refused("--arithmetic: f16 not in", "--device", "cpu", "--arithmetic", "f16")
        self.refused("--arithmetic tf32: this device computes in f32, bf16",
                     "--device", "cpu", "--arithmetic", "bf16", "tf32")
        self.refused("--naive: ", "--device", "cpu", "--naive")
        self.refused("Failed to match", *QUICK, "--benchmark_filter=nothing_like_it")

    def test_rows_that_cannot_be_written_are_refused_before_anything_is_measured(self):
        for path in ("/nowhere/rows.jsonl", os.path.dirname(os.path.abspath(__file__))):
            got = run(*QUICK, "--rows", path)
            self.assertEqual(got.returncode, 1, got.stdout + got.stderr)
            self.assertIn(f"--rows {path}: cannot be written: ", got.stderr)
            self.assertEqual(got.stdout, "")
        if os.path.exists("/dev/full"):
            got = run(*QUICK, "--no-ceilings", "--rows", "/dev/full")
            self.assertEqual(got.returncode, 1, got.stdout + got.stderr)
            self.assertIn("No space left", got.stderr)
            self.assertEqual(got.stdout, "")


if __name__ == "__main__":
    unittest.main()
