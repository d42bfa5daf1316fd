#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pack.py without a build: what it asks for, refuses and takes along."""
import io
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(SOURCE, "apps", "gpu_check")
TUNING = [os.path.join(SOURCE, "kernels", "src", "conv", *path)
          for path in (("band", "tuning.cuh"), ("plan", "backward_roles.h"))]
sys.dont_write_bytecode = True
sys.path.insert(0, SCRIPTS)
import pack  # noqa: E402
import unpack  # noqa: E402


def run(*arguments):
    return subprocess.run([sys.executable, "-B", os.path.join(SCRIPTS, "pack.py"), *arguments],
                          capture_output=True, text=True, check=False)


class Plan(unittest.TestCase):
    @staticmethod
    def lines(*arguments):
        got = run("--plan", "/nowhere/kit", *arguments)
        return [line.split(" ") for line in got.stdout.splitlines()]

    def test_the_ordinary_build_is_used_for_the_ordinary_architectures(self):
        for arguments in ([], ["--no-data"], ["--arch", "90,80"], ["--arch=80;90"]):
            self.assertEqual(self.lines(*arguments), [["build/cuda"]])

    def test_others_have_a_folder_of_their_own(self):
        self.assertEqual(self.lines("--arch", "90"),
                         [["build/cuda-90", "-DCMAKE_CUDA_ARCHITECTURES=90"]])
        self.assertEqual(self.lines("--arch", "90,120")[0][1][-6:], "90;120")

    def test_every_variant_is_built_once(self):
        first, *lines = self.lines("--arch", "90", "--variants")
        self.assertEqual(first[0], "build/cuda-90")
        self.assertEqual([line[0] for line in lines],
                         ["build/cuda-90-" + name for name in pack.read_variants()])
        for line in lines:
            self.assertEqual(line[1], "-DCMAKE_CUDA_ARCHITECTURES=90")
            self.assertRegex(line[2], r"^-DACCRETE_GEMM_TUNING=(ACCRETE_BAND_\w+=\d+;?)+$")

    def test_mistakes_are_refused_before_anything_is_built(self):
        for arguments, words in ((["/nowhere/kit", "--arch", "sm_90"], "is no list such as"),
                                 ([SOURCE], "is not empty"), ([__file__], "is not empty"),
                                 (["/nowhere/kit", "--variant", "x"], "unrecognized"), ([], "DIR")):
            got = run("--plan", *arguments)
            self.assertEqual(got.returncode, 2, got.stdout + got.stderr)
            self.assertIn(words, got.stderr)


    def test_run_passes_a_refusal_on(self):
        got = subprocess.run([os.path.join(SOURCE, "run"), "gpu", "--pack", SOURCE, "--no-data"],
                             capture_output=True, text=True, check=False)
        self.assertEqual((got.returncode, got.stdout), (2, ""), got.stderr)
        self.assertIn("is not empty", got.stderr)


class Variants(unittest.TestCase):
    """What the kernels' assertions would refuse, without compiling them."""

    def setUp(self):
        self.defaults = {}
        for path in TUNING:
            with open(path, encoding="utf-8") as file:
                self.defaults.update((name, int(value)) for name, value in re.findall(
                    r"#define (ACCRETE_BAND_\w+) (\d+)", file.read()))

    def check_tiles(self, values):
        forward1 = 128 // values["FORWARD1_WM"] * (128 // values["FORWARD1_WN"])
        self.assertIn(forward1, (4, 8))
        self.assertEqual((values["FORWARD1_WM"] % 16, values["FORWARD1_WN"] % 32), (0, 0))
        self.assertIn(values["DGRAD1_BN"], (32, 64))
        for name in ("FORWARD3_BM", "DGRAD3_BM"):
            self.assertIn(values[name], (128, 256), name)
        for name in ("FORWARD1_STAGES", "DGRAD1_STAGES", "DGRAD3_STAGES"):
            self.assertGreaterEqual(values[name], 2, name)

    def test_change_what_there_is_and_keep_what_kernels_demand(self):
        variants = pack.read_variants()
        self.assertGreaterEqual(len(variants), 4)
        for name, tuning in {"default": {}, **variants}.items():
            self.assertLessEqual(set(tuning), set(self.defaults), name)
            values = {**self.defaults, **tuning}
            with self.subTest(name):
                self.check_tiles({key[len("ACCRETE_BAND_"):]: value
                                  for key, value in values.items()})
            if name != "default":
                self.assertNotEqual(values, self.defaults, name)


class Contents(unittest.TestCase):
    def test_libraries_of_the_system_and_of_nvidia_stay(self):
        for name in ("libc.so.6", "libm.so.6", "libpthread.so.0", "libresolv.so.2",
                     "ld-linux-x86-64.so.2"):
            self.assertTrue(pack.SYSTEM.match(name), name)
        for name in ("libcublas.so.13", "libcublasLt.so.13", "libcuda.so.1"):
            self.assertTrue(pack.NVIDIA.match(name), name)
        for name in ("libstdc++.so.6", "libgcc_s.so.1", "libcurl.so.4", "libcom_err.so.2",
                     "libcrypto.so.3", "libcrypt.so.1", "libcudnn.so.9"):
            self.assertFalse(pack.SYSTEM.match(name) or pack.NVIDIA.match(name), name)

    def test_a_program_that_is_not_built_is_an_error(self):
        with self.assertRaisesRegex(SystemExit, "not built: /nowhere/train$"):
            pack.demand({"train": "/nowhere/train", "sh": "/bin/sh"})

    def test_programs_are_unpacked_once(self):
        with tempfile.TemporaryDirectory() as folder:
            pack.copy_programs(folder, {"sh": "/bin/sh"}, {"list.txt": "text"})
            program, listed = (os.path.join(folder, "bin", name) for name in ("sh", "list.txt"))
            os.makedirs(os.path.join(folder, "bin.part", "left"))
            unpack.unpack(folder)
            self.assertEqual(sorted(os.listdir(folder)), ["bin", "bin.tar.xz", "lib.tar.xz"])
            self.assertEqual(sorted(os.listdir(os.path.dirname(program))), ["list.txt", "sh"])
            got = subprocess.run([program, "-c", "echo fine"], capture_output=True, text=True,
                                 check=True)
            self.assertEqual(got.stdout, "fine\n")
            with open(listed, "w", encoding="utf-8") as file:
                file.write("kept")
            unpack.unpack(folder)
            with open(listed, encoding="utf-8") as file:
                self.assertEqual(file.read(), "kept")

    def test_a_library_that_is_absent_here_is_an_error(self):
        listing = "\tlibcublas.so.13 => not found\n\tlibcurl.so.4 => not found\n"
        answer = subprocess.CompletedProcess([], 0, stdout=listing)
        with mock.patch.object(subprocess, "run", return_value=answer):
            with self.assertRaisesRegex(SystemExit, "needs libcurl.so.4"):
                pack.libraries_of("program")

    def test_scripts_are_taken_without_sources(self):
        with tempfile.TemporaryDirectory() as folder:
            pack.copy_scripts(folder)
            self.assertTrue(os.access(os.path.join(folder, "gpu_check"), os.X_OK))
            apps = os.path.join(folder, "apps")
            self.assertIn("cudnn_fused.py", os.listdir(os.path.join(apps, "bench_kernels")))
            self.assertIn("compare.py", os.listdir(os.path.join(apps, "bench_step")))
            self.assertNotIn("pack.py", os.listdir(os.path.join(apps, "gpu_check")))
            for name in os.listdir(os.path.join(apps, "bench_kernels")):
                self.assertTrue(name.endswith(".py"), name)

    def verdict(self, size, small):
        with tempfile.TemporaryDirectory() as folder, \
                open(os.path.join(folder, "file"), "wb") as file:
            file.truncate(size)
            output = io.StringIO()
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                code = pack.verdict(folder, small)
        return code, output.getvalue()

    def test_the_limit_is_an_error_and_the_expectation_is_not(self):
        self.assertEqual(self.verdict(pack.LIMIT, False)[0], 0)
        self.assertEqual(self.verdict(pack.LIMIT + 1, False)[0], 1)
        code, output = self.verdict(pack.SMALL + 1, True)
        self.assertEqual(code, 0)
        self.assertIn("larger than expected", output)
        self.assertNotIn("larger", self.verdict(pack.SMALL, True)[1])


if __name__ == "__main__":
    unittest.main()
