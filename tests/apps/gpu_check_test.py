#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gpu_check.py without a GPU: what it says, and that its results cannot hide a failure."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(SOURCE, "apps", "gpu_check")
sys.dont_write_bytecode = True
sys.path.insert(0, SCRIPTS)
import gpu_check  # noqa: E402
import steps  # noqa: E402
from results import Results  # noqa: E402


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


class Recording(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.results = Results(self.folder.name)
        self.addCleanup(self.results.file.close)

    def written(self):
        with open(os.path.join(self.folder.name, "results.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

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
        self.assertEqual([row["status"] for row in self.written()], ["passed"] + ["failed"] * 5)

    def test_a_broken_step_does_not_stop_the_next(self):
        def broken(kit, results):
            raise RuntimeError("broken")

        def fine(kit, results):
            results.add("fine", "passed")

        original = dict(gpu_check.STEPS)
        self.addCleanup(gpu_check.STEPS.update, original)
        gpu_check.STEPS.update(conformance=broken, tests=fine)

        class Arguments:
            only = ["conformance", "tests"]

        gpu_check.run_steps(Arguments, None, self.results)
        self.assertEqual([row["status"] for row in self.written()], ["failed", "passed"])
        self.assertIn("broken", self.results.table())


class Losses(unittest.TestCase):
    @staticmethod
    def epochs(*losses):
        return [{"train_loss": loss} for loss in losses]

    def test_agreement(self):
        cpu = self.epochs(2.0, 1.0)
        self.assertTrue(steps.losses_agree(cpu, self.epochs(2.01, 1.02))[0])
        self.assertFalse(steps.losses_agree(cpu, self.epochs(2.01, 1.04))[0])
        self.assertFalse(steps.losses_agree(cpu, self.epochs(2.0, float("nan")))[0])
        self.assertFalse(steps.losses_agree(cpu, self.epochs(2.0))[0])
        self.assertFalse(steps.losses_agree([], [])[0])


if __name__ == "__main__":
    unittest.main()
