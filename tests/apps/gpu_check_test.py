#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gpu_check.py without a GPU: what it says, and, with stand-ins for every program, that its results
neither hide a failure nor get lost."""
import contextlib
import glob
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
SCRIPTS = os.path.join(SOURCE, "apps", "gpu_check")
sys.dont_write_bytecode = True
sys.path[:0] = [SCRIPTS, HERE]
import archive as archives  # noqa: E402
import deadline as deadlines  # noqa: E402
import gpu_check  # noqa: E402
import gpu_check_stand_ins as stand_ins  # noqa: E402
import machine  # noqa: E402
import plan  # noqa: E402
import runs  # noqa: E402
import steps_profiling  # noqa: E402
import steps_training  # noqa: E402
import tools  # noqa: E402
from results import Failed, Results, read_rows  # noqa: E402

# The row of each step that gets into trouble, and the command that is to blame.
TROUBLES = {
    "conformance": ("test ptx_conformance", "cuda_tests_gpu *ptx*"),
    "smoke": ("smoke", "train *smoke.json*"),
    "tests": ("test conv", "cuda_tests_gpu *conv_test*"),
    "headline": ("headline d2l", "train *headline_d2l.json*headline_d2l"),
    "pytorch": ("pytorch d2l compiled", "python *compiled*d2l*"),
    "fused_kernels": ("fused_kernels dn121", "bench_kernels *fused_conv/*dn121*"),
    "cudnn_fused": ("cudnn_fused", "python *cudnn_fused.py*"),
    "ncu": ("ncu wgrad_gemm 3x3", "ncu *wgrad_gemm*"),
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


class DryRun(unittest.TestCase):
    """The whole program, in this process, with stand-ins for all others."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        self.kit = os.path.join(self.root, "kit")
        self.output = os.path.join(self.root, "results")
        self.archive = os.path.join(self.root, "back", "results.tar.gz")
        self.printed = ""
        for number in (signal.SIGTERM, signal.SIGINT):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        self.patch(machine, "gpu_count", lambda: (1, ""))
        self.patch(tools, "FOLDERS", ())

    def patch(self, place, name, value):
        patcher = mock.patch.object(place, name, value)
        patcher.start()
        self.addCleanup(patcher.stop)

    def make_kit(self, **options):
        stand_ins.make_kit(self.kit, **options)

    def run_check(self, *arguments, trouble="", at="", trace=""):
        """Exit code and rows as listed; output goes to self.printed."""
        environment = {"PATH": os.path.join(self.kit, "tools") + ":/usr/bin:/bin",
                       "TROUBLE": trouble, "TROUBLE_AT": at, "TRACE": trace}
        printed = io.StringIO()
        with mock.patch.dict(os.environ, environment), contextlib.redirect_stdout(printed), \
                contextlib.redirect_stderr(printed):
            code = gpu_check.main(["--prebuilt", self.kit, "--archive", self.archive, "--python",
                                   os.path.join(self.kit, "tools", "python"),
                                   *(arguments or ["--output", self.output])])
        self.printed = printed.getvalue()
        return code

    def statuses(self):
        """Of the newest row of each step."""
        return {row["step"]: row["status"] for row in read_rows(self.output)}

    def row(self, step):
        return [row for row in read_rows(self.output) if row["step"] == step][-1]

    def archived_rows(self):
        with tarfile.open(self.archive) as archive:
            text = archive.extractfile("results/results.jsonl").read().decode()
        return [json.loads(line) for line in text.splitlines() if line.strip()]


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
            "ncu pixel_gemm 3x3", "variant wide", "client client_a", "training on the cpu",
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
        self.assertEqual(self.row("ncu wgrad_gemm 3x3")["instructions"], 1234567)
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


class Missing(DryRun):
    def test_tools(self):
        self.make_kit(tools=())
        self.assertEqual(self.run_check(), 0, self.printed)
        got = self.statuses()
        skipped = {name for name, status in got.items() if status == "skipped"}
        self.assertEqual(
            {name.split()[0] for name in skipped},
            {"tool", "pytorch", "cudnn_fused", "ncu", "sanitizer", "bench_step"})
        self.assertIn("ncu: not installed", self.row("ncu wgrad_gemm 3x3")["detail"])
        self.assertIn("No such file", self.row("pytorch d2l compiled")["detail"])
        self.assertIn("compute-sanitizer: not installed", self.printed)

    def test_tools_that_are_there_and_do_not_work(self):
        self.make_kit()
        self.run_check("--output", self.output, "--only", "ncu", trouble="exit",
                       at="ncu *ptx_conformance*")
        self.assertEqual(set(self.statuses().values()), {"skipped"})
        self.assertEqual(self.row("ncu wgrad_gemm 3x3")["detail"],
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
        code = self.run_check("--output", self.output, "--deadline", "4", trouble="hang",
                              at="train *headline_densenet121")
        self.assertLess(time.monotonic() - start, 4)
        self.assertEqual(code, 1)
        self.assertEqual(self.row("smoke")["status"], "passed")
        self.assertIn("ran past", self.row("headline densenet121")["detail"])
        for step in ("headline d2l", "pytorch d2l compiled", "client client_a", "bench_step tf32",
                     "ncu wgrad_gemm 3x3", "sanitizer memcheck fused", "fashion_mnist"):
            row = self.row(step)
            self.assertEqual((row["status"], row["detail"]), ("skipped", "no time left"), step)
        self.assertEqual(self.run_check("--resume", self.output), 0, self.printed)

    def test_every_limit_comes_from_it(self):
        deadline = deadlines.Deadline(100)
        self.assertEqual(deadline.cap(30), 30)
        self.assertAlmostEqual(deadline.cap(500), 100 - deadlines.RESERVE, delta=1)
        self.assertEqual(deadline.refusal(), "")
        self.assertEqual(deadlines.Deadline(deadlines.RESERVE + 1).refusal(), "no time left")


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
