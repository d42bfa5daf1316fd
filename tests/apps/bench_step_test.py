#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare.py with stand-ins for train and PyTorch: what it writes, and that a failure loses nothing
of the rest."""
import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPARE = os.path.join(SOURCE, "apps", "bench_step", "compare.py")

# What is wrong with a program is told by TROUBLE (exit, hang, garbage) and TROUBLE_AT, a pattern of
# the shell for "program spec arguments".
TROUBLE = r"""#!/bin/sh
name=${0##*/}
spec=$1
[ "$name" = python ] && spec=$2
case "$name $(cat "$spec") $*" in
  $TROUBLE_AT)
    case $TROUBLE in
      exit) echo >>"$OUTPUT.troubles"; echo "first line" >&2; echo "out of memory" >&2; exit 4 ;;
      hang) exec sleep 600 ;;
      garbage) echo "}garbage{"; exit 0 ;;
    esac ;;
esac
"""
TRAIN = TROUBLE + r"""
[ -e "$OUTPUT" ] && cp "$OUTPUT" "$OUTPUT.seen-by-$$"
while [ "$1" != --output ]; do shift; done
mkdir -p "$2"
cp "$spec" "$2/config.json"
echo '{"commit": "none"}' >"$2/build.json"
printf '{"examples_per_second": 1}\n{"examples_per_second": 200}\n' >"$2/timing.jsonl"
echo "peak memory 10.0 MiB (planned 10.0 MiB), bytes copied by concat: 0"
"""
PYTHON = TROUBLE + r"""
rate=50
case "$*" in *channels_last*) rate=100 ;; esac
echo "{\"framework\": \"pytorch 2\", \"images_per_second\": $rate, \"peak_device_mib\": 30}"
"""
KEYS = ["accrete", "best_layout", "peak_memory_mib", "pytorch 2", "ratio"]
D2L, DENSENET = "d2l, 96x96, batch 256", "DenseNet-121, 224x224, batch 256"


class Compare(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.output = os.path.join(folder.name, "result.json")
        self.programs = {}
        for name, text in (("train", TRAIN), ("python", PYTHON)):
            self.programs[name] = os.path.join(folder.name, name)
            with open(self.programs[name], "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(self.programs[name], 0o755)

    def compare(self, *arguments, trouble="", at="", output=None):
        """What the program printed, and its exit code."""
        return subprocess.run(
            [sys.executable, "-B", COMPARE, "--train", self.programs["train"], "--python",
             self.programs["python"], "--device", "cuda", "--output", output or self.output,
             *arguments], capture_output=True, text=True, check=False,
            env={**os.environ, "TROUBLE": trouble, "TROUBLE_AT": at, "OUTPUT": self.output})

    def document(self, path=None):
        with open(path or self.output, encoding="utf-8") as file:
            return json.load(file)

    def results(self):
        return self.document()["results"]

    def test_all_goes_well(self):
        got = self.compare("--precision", "bf16", "--rounds", "2", "--steps", "5")
        self.assertEqual(got.returncode, 0, got.stderr)
        document = self.document()
        self.assertEqual(
            {key: document[key] for key in ("device", "precision", "steps", "rounds", "build")},
            {"device": "cuda", "precision": "bf16", "steps": 5, "rounds": 2,
             "build": {"commit": "none"}})
        self.assertEqual(list(document["results"]), [D2L, DENSENET])
        for result in document["results"].values():
            self.assertEqual(sorted(result), KEYS)
            self.assertEqual(result["accrete"], [200, 200])
            self.assertEqual(result["pytorch 2"],
                             {"contiguous": [50, 50], "channels_last": [100, 100]})
            self.assertEqual((result["best_layout"], result["ratio"]), ("channels_last", 2.0))
            self.assertEqual(result["peak_memory_mib"]["accrete"], 10.0)
        self.assertIn("200.0 images/s in 10 MiB; pytorch 2 channels_last 100.0 in 30 MiB; ratio "
                      "2.00", got.stdout)

    def test_the_file_is_written_after_each_net(self):
        self.compare("--rounds", "1", "--layouts", "channels_last")
        seen = glob.glob(self.output + ".seen-by-*")
        self.assertEqual(len(seen), 1)
        self.assertEqual(list(self.document(seen[0])["results"]), [D2L])

    def test_chosen_nets_and_precisions(self):
        got = self.compare("--nets", "DenseNet", "d2l", "--rounds", "1", "--precision", "fp32",
                           "bf16", "--layouts", "contiguous")
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertEqual(list(self.results()), [f"{net}, {precision}" for precision in
                                                ("bf16", "fp32") for net in (D2L, DENSENET)])
        self.assertEqual(self.document()["precision"], "bf16, fp32")
        self.compare("--nets", "224x224", "--rounds", "1")
        self.assertEqual(list(self.results()), [DENSENET])

    def test_usage(self):
        for arguments, text in ((["--nets", "d2l", "AlexNet"], "'AlexNet' in its name; there are "
                                 "'d2l, 96x96, batch 256', 'DenseNet-121"),
                                (["--layouts", "diagonal"], "diagonal"),
                                (["--rounds", "0"], "less than 1"),
                                (["--precision", "fp8"], "fp8")):
            got = self.compare(*arguments)
            self.assertEqual(got.returncode, 2, arguments)
            self.assertIn(text, got.stderr)
        got = self.compare(output="/nowhere/result.json")
        self.assertEqual(got.returncode, 2)
        self.assertIn("no folder /nowhere", got.stderr)

    def test_a_layout_that_fails(self):
        got = self.compare("--rounds", "2", trouble="exit", at="python *d2l*--layouts contiguous*")
        self.assertEqual(got.returncode, 1)
        self.assertEqual(self.results()[D2L]["error"], {"contiguous": "out of memory"})
        with open(self.output + ".troubles", encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 1)  # not in every round
        self.assertEqual(self.results()[D2L]["pytorch 2"], {"channels_last": [100, 100]})
        self.assertEqual(self.results()[D2L]["ratio"], 2.0)
        self.assertEqual(sorted(self.results()[DENSENET]), KEYS)
        self.assertIn("contiguous: out of memory", got.stdout)

    def test_our_side_fails(self):
        got = self.compare("--rounds", "1", trouble="exit", at="train *d2l*")
        self.assertEqual(got.returncode, 1)
        self.assertEqual(self.results()[D2L]["error"]["accrete"], "out of memory")
        self.assertNotIn("ratio", self.results()[D2L])
        self.assertEqual(sorted(self.results()[DENSENET]), KEYS)

    def test_a_program_that_hangs(self):
        got = self.compare("--rounds", "2", "--limit", "1", "--layouts", "contiguous",
                           "channels_last", trouble="hang", at="python *--layouts contiguous*")
        self.assertEqual(got.returncode, 1)
        for net in (D2L, DENSENET):
            self.assertEqual(self.results()[net]["error"], {"contiguous": "ran past 1 s"})
            self.assertEqual(self.results()[net]["pytorch 2"], {"channels_last": [100, 100]})

    def test_garbage(self):
        self.assertEqual(self.compare("--rounds", "1", trouble="garbage", at="python *").returncode,
                         1)
        self.assertIn("JSONDecodeError", self.results()[D2L]["error"]["contiguous"])
        self.assertEqual(self.results()[D2L]["accrete"], [200])
        self.assertEqual(self.compare("--rounds", "1", trouble="garbage", at="train *").returncode,
                         1)
        self.assertIn("did not print its peak memory", self.results()[D2L]["error"]["accrete"])

    def test_no_program(self):
        self.programs["python"] = "/nowhere/python"
        self.assertEqual(self.compare("--rounds", "1").returncode, 1)
        self.assertEqual(self.results()[D2L]["error"]["contiguous"],
                         "cannot start /nowhere/python: No such file or directory")


if __name__ == "__main__":
    unittest.main()
