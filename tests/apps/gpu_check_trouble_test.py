#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gpu_check.py when something goes wrong: whatever fails, hangs, leaves garbage, runs out of time or
is interrupted is told, and nothing else is lost."""
import contextlib
import glob
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
from unittest import mock

from gpu_check_dry_run import SCRIPTS, DryRun, stand_ins

import deadline as deadlines
import plan
import runs
from results import Failed, read_rows

# The row of each step that gets into trouble, and the command that is to blame.
TROUBLES = {
    "conformance": ("test ptx_conformance", "cuda_tests_gpu *ptx*"),
    "smoke": ("smoke", "train *smoke.json*"),
    "tests": ("test conv", "cuda_tests_gpu *conv_test*"),
    "headline": ("headline d2l", "train *headline_d2l.json*headline_d2l"),
    "pytorch": ("pytorch d2l compiled", "python *compiled*d2l*"),
    "fused_kernels": ("fused_kernels dn121", "bench_kernels *fused_conv/*dn121*"),
    "cudnn_fused": ("cudnn_fused", "python *cudnn_fused.py*"),
    "ncu": ("ncu wgrad 3x3", "ncu *wgrad*"),
    "variants": ("variant wide", "bench_kernels-wide *"),
    "sanitizers": ("sanitizer racecheck fused", "compute-sanitizer *racecheck*fused_test*"),
    "clients": ("client client_a", "client_a *"),
    "training": ("training on the cpu", "train *training_on_the_cpu*"),
    "bench_step": ("bench_step fp32", "python *fp32*"),
    "bench_kernels": ("bench_kernels bc100", "bench_kernels *bc100*"),
    "fashion_mnist": ("fashion_mnist", "train *fashion_mnist_d2l.json*"),
}
# Rows that cannot be had then.
NEEDS_TWO_RUNS = {"headline": {"headline d2l repeats"}, "training": {"training losses"}}
JUDGED_BY_EXIT_CODE = {"conformance", "tests", "sanitizers", "clients"}
SHORT_LIMIT = 1.0  # seconds; a stand-in takes a hundredth of one


class Trouble(DryRun):
    def setUp(self):
        super().setUp()
        self.make_kit()
        self.assertEqual(set(TROUBLES), set(plan.NAMES) - {"tools"})

    def assert_only_that_fails(self, step, trouble, *steps):
        """Everything runs, or `steps` alone; the detail of the row that fails."""
        row, at = TROUBLES[step]
        self.output = tempfile.mkdtemp(dir=self.root, prefix="run-")  # no name that `at` knows
        code = self.run_check("--output", self.output, *(["--only", *steps] if steps else []),
                              trouble=trouble, at=at)
        self.assertEqual(code, 1, self.printed)
        unlike = {name: status for name, status in self.statuses().items() if status != "passed"}
        skipped = NEEDS_TWO_RUNS.get(step, set())
        self.assertEqual(unlike, {row: "failed", **{name: "skipped" for name in skipped}})
        self.assertIn("failed: " + row, self.printed)
        return self.row(row)["detail"]

    def assert_it_fails_and_the_next_runs(self, step, trouble):
        after = plan.NAMES[plan.NAMES.index(step) + 1:][:1]
        detail = self.assert_only_that_fails(step, trouble, step, *after)
        if after:
            self.assertIn(TROUBLES[after[0]][0], self.statuses())
        return detail

    def test_an_exit_code(self):
        self.run_check()
        everything = set(self.statuses())
        for step in TROUBLES:
            with self.subTest(step=step):
                detail = self.assert_only_that_fails(step, "exit")
                self.assertEqual(set(self.statuses()), everything)
                if step != "ncu":  # which judges by what ncu has written
                    self.assertIn("exit code 3: something is broken", detail)

    def test_hanging(self):
        for step in TROUBLES:
            with self.subTest(step=step), mock.patch.object(plan, "STEPS", tuple(
                    entry._replace(limit=SHORT_LIMIT if entry.name == step else entry.limit)
                    for entry in plan.STEPS)):
                self.assertIn("ran past", self.assert_it_fails_and_the_next_runs(step, "hang"))

    def test_garbage_or_nothing_left_behind(self):
        for step in sorted(set(TROUBLES) - JUDGED_BY_EXIT_CODE):
            for trouble in ("garbage", "nothing"):
                with self.subTest(step=step, trouble=trouble):
                    self.assert_it_fails_and_the_next_runs(step, trouble)

    def test_losses_that_are_no_numbers(self):
        for step in ("smoke", "headline", "training", "fashion_mnist"):
            with self.subTest(step=step):
                self.assertIn("loss of epoch 2 is None",
                              self.assert_only_that_fails(step, "nan", step))

        for loss in ("NaN", "Infinity", "null", '"low"'):
            stand_ins.write(os.path.join(self.root, "run", "metrics.jsonl"),
                            f'{{"epoch": 1, "train_loss": {loss}}}\n')
            with self.assertRaises(Failed):
                runs.epochs_of(os.path.join(self.root, "run"))

    def test_weights_that_differ_between_runs(self):
        self.output = os.path.join(self.root, "weights")
        self.run_check("--output", self.output, trouble="weights", at="train *again*")
        self.assertEqual({name for name, status in self.statuses().items() if status == "failed"},
                         {"headline densenet121 repeats", "headline d2l repeats",
                          "training repeats"})


class Resuming(DryRun):
    def test_only_what_has_not_passed_runs_again(self):
        self.make_kit()
        self.assertEqual(self.run_check(trouble="exit", at="train *headline_d2l*"), 1)
        before = len(read_rows(self.output))
        with open(os.path.join(self.output, "results.jsonl"), "a", encoding="utf-8") as file:
            file.write('{"step": "smoke", "status": "fai')  # what a crash leaves
        self.assertEqual(self.run_check("--resume", self.output, trouble="exit",
                                        at="train *smoke.json*"), 0, self.printed)
        new = [row["step"] for row in read_rows(self.output)[before:]]
        self.assertEqual([step for step in new if not step.startswith("tool ")],
                         ["headline d2l", "headline d2l again", "headline d2l repeats",
                          "headline d2l profile"])
        with open(os.path.join(self.output, "results.jsonl"), encoding="utf-8") as file:
            self.assertEqual(sum(line.startswith('{"step": "machine",') for line in file), 2)
        table = self.printed[self.printed.index("\n\n"):]
        listed = [line.split("  ")[0] for line in table.splitlines() if "passed before" in line]
        self.assertEqual(len(listed) - 1, len(set(self.statuses())) - len(new))  # and the summary
        self.assertIn("smoke", listed)

    def test_what_an_earlier_run_left_is_no_result(self):
        self.make_kit()
        steps = ["smoke", "pytorch", "fused_kernels", "cudnn_fused", "ncu"]
        self.assertEqual(self.run_check("--output", self.output, "--only", *steps), 0)
        self.run_check("--output", self.output, "--only", *steps, trouble="nothing", at="*")
        got = {step: status for step, status in self.statuses().items() if "tool" not in step}
        self.assertEqual(set(got.values()), {"failed"}, got)

    def test_with_output(self):
        self.make_kit()
        self.run_check("--output", self.output, "--only", "clients")
        self.run_check("--resume", "--output", self.output, "--only", "clients")
        self.assertEqual(self.printed.count("passed before"), 5)  # two rows, twice, and the count

    def test_an_archive_is_enough_to_resume_from(self):
        self.make_kit()
        self.run_check(trouble="exit", at="train *headline_d2l_again*")
        self.assertEqual(self.statuses()["headline d2l repeats"], "skipped")
        elsewhere = os.path.join(self.root, "elsewhere")
        with tarfile.open(self.archive) as archive:
            archive.extractall(elsewhere)
        self.output = os.path.join(elsewhere, "results")
        self.assertEqual(self.run_check("--resume", self.output), 0, self.printed)
        self.assertEqual(self.statuses()["headline d2l repeats"], "passed")


class Deadlines(DryRun):
    def test_what_has_no_time_left_is_skipped(self):
        self.make_kit()
        self.patch(deadlines, "RESERVE", 0.5)
        self.patch(deadlines, "LEAST", 0.5)
        start = time.monotonic()
        code = self.run_check("--output", self.output, "--deadline", "6", trouble="hang",
                              at="bench_kernels *fused_kernels_dn121*")
        self.assertLess(time.monotonic() - start, 6)
        self.assertEqual(code, 1)
        self.assertEqual(self.row("headline densenet121")["status"], "passed")
        self.assertIn("ran past", self.row("fused_kernels dn121")["detail"])
        for step in ("fused_kernels d2l96", "cudnn_fused", "client client_a", "bench_step tf32",
                     "ncu wgrad 3x3", "sanitizer memcheck fused", "fashion_mnist"):
            row = self.row(step)
            self.assertEqual((row["status"], row["detail"]), ("skipped", "no time left"), step)
        self.assertEqual(self.run_check("--resume", self.output), 0, self.printed)

    def test_a_step_leaves_time_for_the_next(self):
        self.make_kit()
        self.patch(deadlines, "LEAST", 0.5)
        self.run_check("--output", self.output, "--deadline", "12", "--only", "headline", "pytorch",
                       trouble="hang", at="train *headline_densenet121")
        self.assertIn("ran past 3 s", self.row("headline densenet121")["detail"])
        row = self.row("headline d2l")
        self.assertEqual((row["status"], row["detail"]),
                         ("skipped", "no time left for this step"))
        self.assertEqual(self.row("pytorch d2l channels_last")["status"], "passed")

    def test_every_limit_comes_from_it(self):
        deadline = deadlines.Deadline(100)
        self.assertEqual(deadline.cap(30), 30)
        self.assertAlmostEqual(deadline.cap(500), 100 - deadlines.RESERVE, delta=1)
        self.assertEqual(deadline.refusal(), "")
        self.assertEqual(deadlines.Deadline(deadlines.RESERVE + 1).refusal(), "no time left")


class Signals(DryRun):
    def test_an_interrupted_run_has_not_passed(self):
        self.make_kit()
        self.patch(plan, "STEPS", (
            plan.Step("smoke", lambda check, limit: check.results.deadline.interrupt(), 1, ""),))
        self.assertEqual(self.run_check(), 1)

    # A process of its own, since signals are for the whole process.
    CODE = ("import sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv.pop(1)); "
            "import gpu_check, machine, tools; machine.gpu_count = lambda: (1, ''); "
            "tools.FOLDERS = (); sys.exit(gpu_check.main())")

    HANG = str(10000 + os.getpid())  # seconds that no other process sleeps

    def hanging(self):
        """Processes that a stand-in has started and that nobody has ended."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            with contextlib.suppress(OSError), open(path, "rb") as file:
                if file.read().split(b"\0")[:2] == [b"sleep", self.HANG.encode()]:
                    found.append(path)
        return found

    def interrupt(self, number):
        process = subprocess.Popen(
            [sys.executable, "-c", self.CODE, SCRIPTS, "--prebuilt", self.kit, "--output",
             self.output, "--archive", self.archive, "--python",
             os.path.join(self.kit, "tools", "python")],
            stdout=subprocess.PIPE, text=True, env={
                **os.environ, "PATH": os.path.join(self.kit, "tools") + ":/usr/bin:/bin",
                "TROUBLE": "hang", "TROUBLE_AT": "train *headline_densenet121", "HANG": self.HANG})
        while not self.hanging() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(number)
        printed, _ = process.communicate(timeout=60)
        return process.returncode, printed

    def test_rows_archive_and_table_are_left(self):
        self.make_kit()
        for number in (signal.SIGTERM, signal.SIGINT):
            self.output = os.path.join(self.root, number.name, "results")
            code, printed = self.interrupt(number)
            self.assertEqual(code, 1, printed)
            row = self.row("headline densenet121")
            self.assertEqual((row["status"], row["detail"]), ("failed", "interrupted"))
            row = self.row("pytorch d2l compiled")
            self.assertEqual((row["status"], row["detail"]), ("skipped", "interrupted"))
            archived = {row["step"]: row for row in self.archived_rows()}
            self.assertEqual(archived["headline densenet121"]["detail"], "interrupted")
            self.assertIn("failed: headline densenet121\n", printed)
            self.assertEqual(self.hanging(), [])


if __name__ == "__main__":
    unittest.main()
