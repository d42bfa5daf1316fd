#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gpu_check.py without a GPU: what it says, what it runs and in which order, and that its results
cannot hide a failure."""
import contextlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
from unittest import mock

from gpu_check_dry_run import SCRIPTS, SOURCE, DryRun, stand_ins

import archive as archives
import deadline as deadlines
import gpu_check
import plan
import steps_profiling
import steps_training
from results import Results, read_rows


def without_gpu(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False,
                          env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"})


class NoGpu(unittest.TestCase):
    def test_says_so_and_exits_with_77(self):
        for arguments in ([], ["--probe"], ["--prebuilt", "/nowhere"]):
            got = without_gpu("-B", os.path.join(SCRIPTS, "gpu_check.py"), *arguments)
            self.assertEqual(got.returncode, 77, got.stderr)
            self.assertIn("no usable GPU on this machine: ", got.stdout)

    def test_run_passes_the_code_on(self):
        got = subprocess.run([os.path.join(SOURCE, "run"), "gpu"], capture_output=True, text=True,
                             check=False, env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"})
        self.assertEqual(got.returncode, 77, got.stderr)
        self.assertIn("no usable GPU", got.stdout)

    def test_lists_the_steps_in_order(self):
        got = without_gpu("-B", os.path.join(SCRIPTS, "gpu_check.py"), "--list", "--skip", "ncu")
        self.assertEqual(got.returncode, 0, got.stderr)
        names = [line.split()[0] for line in got.stdout.splitlines()]
        self.assertEqual(names, [name for name in plan.NAMES if name != "ncu"])

    def test_usage(self):
        for arguments in (["--only", "all"], ["--jobs", "0"], ["--deadline", "-1"], ["--resume"],
                          ["--resume", "/nowhere"], ["--resume", "/a", "--output", "/b"]):
            got = without_gpu("-B", os.path.join(SCRIPTS, "gpu_check.py"), *arguments)
            self.assertEqual(got.returncode, 2, arguments)


class Recording(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.results = Results(self.folder.name, deadlines.Deadline())
        self.addCleanup(self.results.file.close)
        silence = contextlib.redirect_stdout(io.StringIO())
        silence.__enter__()
        self.addCleanup(silence.__exit__, None, None, None)

    def check(self, code, limit=60):
        return self.results.check("step", [sys.executable, "-c", code], limit)

    def test_every_way_to_fail_is_a_failure(self):
        self.assertTrue(self.check("print('fine')"))
        self.assertEqual(self.results.failed(), [])
        self.assertFalse(self.check("raise SystemExit(3)"))
        self.assertFalse(self.check("raise SystemExit(77)"))  # there is a GPU when steps run
        self.assertFalse(self.check("import time; time.sleep(60)", limit=1))
        self.assertFalse(self.check("import os; os.abort()"))
        self.assertFalse(self.results.check("absent", ["/nowhere/program"], 60))
        self.assertEqual([row["status"] for row in read_rows(self.folder.name)],
                         ["passed"] + ["failed"] * 5)

    def test_a_broken_step_does_not_stop_the_next(self):
        def broken(check, limit):
            raise RuntimeError("broken")

        def fine(check, limit):
            check.results.add("fine", "passed")

        check = plan.Check(None, self.results, None, None, 1)
        plan.run(check, [plan.Step("first", broken, 1, ""), plan.Step("second", fine, 1, "")])
        self.assertEqual([row["status"] for row in self.results.rows], ["failed", "passed"])
        self.assertIn("broken", self.results.table())


class Losses(unittest.TestCase):
    def test_agreement(self):
        agree = steps_training.losses_agree
        self.assertTrue(agree([2.0, 1.0], [2.01, 1.02])[0])
        self.assertFalse(agree([2.0, 1.0], [2.01, 1.04])[0])
        self.assertFalse(agree([2.0, 1.0], [2.0, float("nan")])[0])
        self.assertFalse(agree([2.0, 1.0], [2.0])[0])
        self.assertFalse(agree([], [])[0])


class Order(DryRun):
    def test_everything_passes_in_the_order_of_the_plan(self):
        self.make_kit()
        self.assertEqual(self.run_check(), 0, self.printed)
        rows = read_rows(self.output)
        self.assertEqual({row["status"] for row in rows}, {"passed"})
        first = [row["step"] for row in rows]
        begins = [first.index(step) for step in (
            "tool ncu", "test ptx_conformance", "smoke", "test bf16_ops", "headline densenet121",
            "pytorch densenet121 channels_last", "fused_kernels dn121", "cudnn_fused",
            "ncu forward 3x3", "variant wide", "client client_a", "training on the cpu",
            "bench_step bf16 contiguous", "bench_kernels others", "fashion_mnist")]
        self.assertEqual(begins, sorted(begins))
        sanitizers = [n for n, step in enumerate(first) if step.startswith("sanitizer ")]
        self.assertEqual(len(sanitizers), 12)
        self.assertTrue(first.index("variant wide") < min(sanitizers))
        self.assertTrue(max(sanitizers) < first.index("client client_a"))

    def test_headline_is_in_the_row_and_printed_last(self):
        self.make_kit()
        self.run_check()
        row = self.row("headline densenet121")
        self.assertEqual((row["images_per_second"], row["peak_memory_mib"],
                          row["planned_memory_mib"]), (1234.5, 100.5, 100.0))
        self.assertEqual(self.row("ncu wgrad 3x3")["instructions"], 1234567)
        self.assertEqual(self.row("pytorch d2l compiled")["ratio"], 2.0)
        last = self.printed.strip().splitlines()[-2]
        for part in ("DenseNet-121", "1234.5 images/s", "100.0 images/s", "ratio 2.00", "30 MiB"):
            self.assertIn(part, last)

    def test_only_and_skip(self):
        self.make_kit()
        self.run_check("--output", self.output, "--only", "smoke", "clients", "--skip", "smoke")
        self.assertEqual(sorted(self.statuses()), ["client client_a", "client client_b"])

    def test_tests_run_side_by_side(self):
        self.make_kit()
        trace = os.path.join(self.root, "trace")
        self.run_check("--output", self.output, "--only", "tests", "--jobs", "3", trace=trace)
        with open(trace, encoding="utf-8") as file:
            events = [line.split()[0] for line in file]
        self.assertEqual(events[:3], ["begin"] * 3)
        os.remove(trace)
        self.run_check("--output", self.output, "--only", "tests", "--jobs", "1", trace=trace)
        with open(trace, encoding="utf-8") as file:
            lines = [line.split() for line in file]
        self.assertEqual([line[0] for line in lines], ["begin", "end"] * 5)
        self.assertEqual({lines[0][2], lines[2][2]}, {"[#bf16_ops_test]", "[#fused_test]"})


class Missing(DryRun):
    def test_tools(self):
        self.make_kit(tools=())
        self.assertEqual(self.run_check(), 0, self.printed)
        got = self.statuses()
        skipped = {name for name, status in got.items() if status == "skipped"}
        self.assertEqual(
            {name.split()[0] for name in skipped},
            {"tool", "pytorch", "cudnn_fused", "ncu", "sanitizer", "bench_step"})
        self.assertIn("ncu: not installed", self.row("ncu wgrad 3x3")["detail"])
        self.assertIn("No such file", self.row("pytorch d2l compiled")["detail"])
        self.assertIn("compute-sanitizer: not installed", self.printed)

    def test_tools_that_are_there_and_do_not_work(self):
        self.make_kit()
        self.run_check("--output", self.output, "--only", "ncu", trouble="exit",
                       at="ncu *ptx_conformance*")
        self.assertEqual(set(self.statuses().values()), {"skipped"})
        self.assertEqual(self.row("ncu wgrad 3x3")["detail"],
                         "ncu: does not work here: something is broken")
        self.assertEqual(len(self.statuses()), 1 + len(steps_profiling.FAMILIES))

    def test_what_skips_itself_with_a_reason(self):
        self.make_kit()
        self.assertEqual(self.run_check(trouble="skip", at="python *cudnn_fused*"), 0)
        row = self.row("cudnn_fused")
        self.assertEqual((row["status"], row["detail"]), ("skipped", "nothing to do here"))

    def test_data(self):
        self.make_kit(data=False)
        with mock.patch("kit.SYSTEM_DATA", "/nowhere"), mock.patch.dict(
                os.environ, {"ACCRETE_DATA": ""}):
            self.assertEqual(self.run_check(), 0, self.printed)
        skipped = {name for name, status in self.statuses().items() if status == "skipped"}
        self.assertEqual(skipped, {"training", "fashion_mnist"})
        self.assertIn("Fashion-MNIST is not on this machine", self.row("training")["detail"])

    def test_a_library_of_the_programs(self):
        self.make_kit()
        stand_ins.write(os.path.join(self.kit, "bin", "train"),
                        "#!/bin/sh\necho 'train: error while loading shared libraries: "
                        "libcublas.so.13: cannot open' >&2\nexit 127\n")
        self.assertEqual(self.run_check(), 1)
        self.assertEqual(list(self.statuses()), ["start of the programs"])
        self.assertIn("needs libcublas.so.13: install", self.printed)
        self.assertIn("LD_LIBRARY_PATH", self.printed)

    def test_a_kit(self):
        self.assertEqual(self.run_check(), gpu_check.USAGE)
        self.assertIn("is not a folder made by ./run gpu --pack", self.printed)
        for name in ("lib.tar.xz", "bin.tar.xz"):  # cut short on their way
            self.make_kit()
            shutil.rmtree(os.path.join(self.kit, "bin"))
            stand_ins.write(os.path.join(self.kit, name), "no archive")
            self.assertEqual(self.run_check(), gpu_check.USAGE, name)
            shutil.rmtree(self.kit)


class Archives(DryRun):
    def test_there_is_a_whole_one_after_every_step(self):
        self.make_kit()
        seen = []
        original = plan.STEPS

        def looking(step):
            def function(check, limit):
                if os.path.exists(self.archive):
                    seen.append({row["step"] for row in self.archived_rows()})
                step.function(check, limit)
            return step._replace(function=function)

        self.patch(plan, "STEPS", tuple(looking(step) for step in original))
        self.run_check()
        self.assertGreaterEqual(len(seen), len(original) - 1)
        self.assertIn("smoke", seen[-13])
        self.assertTrue(all(a <= b for a, b in zip(seen, seen[1:])))
        self.assertEqual([row["step"] for row in self.archived_rows()][-1], "machine at the end")

    def test_it_leaves_out_what_is_large(self):
        folder = os.path.join(self.root, "large")
        for name in ("run/checkpoints/step.safetensors", "run/model.safetensors", "run/other.bin",
                     "results.jsonl", "long.log"):
            stand_ins.write(os.path.join(folder, name), "short\n")
        stand_ins.write(os.path.join(folder, "long.log"), "head\n" + "x" * (1 << 20) + "\ntail\n")
        with open(os.path.join(folder, "noise.bin"), "wb") as file:
            file.write(os.urandom(40 << 20))
        for number in range(20):
            with open(os.path.join(folder, f"noise{number}.bin"), "wb") as file:
                file.write(os.urandom(1 << 20))
        archives.Archive(self.archive, folder).write()
        self.assertLess(os.path.getsize(self.archive), 16 << 20)
        with tarfile.open(self.archive) as archive:
            names = archive.getnames()
            log = archive.extractfile("large/long.log").read()
        self.assertEqual(names[0], "large/results.jsonl")
        self.assertIn("large/run/other.bin", names)
        self.assertFalse([name for name in names if name.endswith(".safetensors")])
        self.assertTrue(log.startswith(b"head\n") and log.endswith(b"\ntail\n"))
        self.assertLess(len(log), 1 << 18)


if __name__ == "__main__":
    unittest.main()
