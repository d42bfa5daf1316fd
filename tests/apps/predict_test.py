#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""predict.py of bench_kernels: predict_test.py [INSPECT LIST_LAUNCHES]. Plans, budgets and rates are
written by hand, so that every number can be checked on paper; with the programs, the default nets are
predicted from the committed budget, too, and their launches compared with those of the engine."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from collections import Counter

LIST_LAUNCHES = sys.argv.pop(2) if len(sys.argv) > 2 else None
INSPECT = sys.argv.pop(1) if len(sys.argv) > 1 else None
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(ROOT, "apps", "bench_kernels")
sys.path.insert(0, SCRIPTS)

import gpu_rates     # noqa: E402
import prediction    # noqa: E402
import sass_budget   # noqa: E402
import step_calls    # noqa: E402
import step_graph    # noqa: E402
from kernel_work import Work  # noqa: E402
from predict_bands import BUDGET, Bands, Roles, value  # noqa: E402, F401


def run(script, *arguments):
    return subprocess.run([sys.executable, "-B", os.path.join(SCRIPTS, script), *arguments],
                          capture_output=True, text=True, check=False)


# One multiprocessor that issues an instruction a nanosecond, whatever is resident.
GPU = {"name": "paper", "sms": 1, "clock_hz": 1e9, "issue_slots_per_clock": 1,
       "issue_efficiency": {"1": 1.0}, "launch_seconds": 1e-9, "dram_bytes_per_second": 1e15,
       "l2_bytes_per_second": 1e15, "mma_flop_per_clock": 1e9, "shared_bytes_per_clock": 1e9}
CONV = "band_forward/1x1/128x32/plain/16"
BLOCK = {"threads": 128, "registers": 32, "stack_bytes": 0, "static_shared_bytes": 0,
         "stage_bytes": 0, "blocks_per_sm": 8}
PAPER = {"format": "accrete machine code budget", "kernels": {
    CONV: {**BLOCK, "tiles": {},
           "instructions": {"before": {"integer": 5, "all": 5}, "after": {"integer": 7, "all": 7},
                            "k_step": {"integer": 34, "mma_16x8x16": 16, "load_shared_128": 50,
                                       "all": 100}}},
    "update/f32/Sgd": {**BLOCK, "instructions": {"thread": {"integer": 20, "all": 20},
                                                 "item": {"fp32": 10, "all": 10}}}}}


def plan():
    """A 1x1 convolution from 64 to 32 channels on two images of 8x8: one tile, two k-steps. 2048
    parameters are one block of 16 turns."""
    values = [value("images", "input", [2, 8, 8, 64]), value("w", "parameter", [32, 1, 1, 64]),
              value("w:bf16", "rounded", [32, 1, 1, 64]), value("y", "intermediate", [2, 8, 8, 32])]
    node = {"op": "conv_forward", "name": "conv", "inputs": [0, 2], "outputs": [3],
            "bytes_moved": 30000}
    free = {"op": "concat", "name": "free", "inputs": [3], "outputs": [3], "bytes_moved": 0,
            "free": True}
    return {"format": "accrete graph", "device": "cuda",
            "step": {"values": values, "nodes": [node, free], "bytes_moved": 30000}}


def write(path, content):
    with open(path, "w", encoding="utf-8") as file:
        file.write(content if isinstance(content, str) else json.dumps(content))


class Paper(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def predicted(self, graph=None, budget=PAPER, rates=None):
        for name, content in (("graph", graph or plan()), ("budget", budget), ("gpu", GPU),
                              ("rates", rates or {})):
            write(self.path(name), content)
        return run("predict.py", "--graph", self.path("graph"), "--budget", self.path("budget"),
                   "--gpu", self.path("gpu"), "--rates", self.path("rates"), "--output",
                   self.path("out.json"))

    def result(self, **changes):
        got = self.predicted(**changes)
        self.assertEqual(got.returncode, 0, got.stderr)
        with open(self.path("out.json"), encoding="utf-8") as file:
            found = json.load(file)
        prediction, = found["predictions"]
        return prediction, prediction["families"]["stem"], got.stdout

    def test_bound_by_issue(self):
        prediction, conv, text = self.result()
        # 4 warps, 5 + 7 + 2 * 100 instructions each, and a nanosecond for the launch.
        self.assertEqual(conv["instructions"], 4 * 212)
        self.assertAlmostEqual(conv["ms"], (4 * 212 + 1) * 1e-6, delta=1e-4)
        self.assertEqual(conv["binds"], "issue")
        self.assertEqual(prediction["launches"], 2)
        update = 4 * (20 + 16 * 10)
        self.assertAlmostEqual(prediction["images_per_second"] / (2e9 / (4 * 212 + update + 2)), 1,
                               delta=1e-6)
        self.assertIn("predicted", text)

    def test_an_issue_rate_by_resident_warps(self):
        # One block is resident: 4 warps, a quarter of the way from none to 16.
        _, conv, _ = self.result(rates={"issue_efficiency": {"16": 0.5}})
        self.assertAlmostEqual(conv["ms"], (4 * 212 / 0.125 + 1) * 1e-6, delta=1e-4)

    def test_bound_by_memory(self):
        _, conv, _ = self.result(rates={"dram_bytes_per_second": 1e9})
        self.assertAlmostEqual(conv["ms"], 0.03, delta=1e-4)
        self.assertEqual(conv["binds"], "memory")

    def test_bound_by_tensor_cores(self):
        _, conv, _ = self.result(rates={"mma_flop_per_clock": 1})
        # The products of the whole convolution: 128 pixels, 64 by 32 channels.
        self.assertAlmostEqual(conv["ms_at_best"]["tensor"], 2 * 128 * 64 * 32 * 1e-6, delta=1e-4)
        self.assertEqual(conv["binds"], "tensor")

    def test_bound_by_shared_memory(self):
        _, conv, _ = self.result(rates={"shared_bytes_per_clock": 1})
        self.assertAlmostEqual(conv["ms_at_best"]["shared"], 4 * 2 * 50 * 512 * 1e-6, delta=1e-4)
        self.assertEqual(conv["binds"], "shared")

    def test_bound_by_launches(self):
        _, conv, _ = self.result(rates={"launch_seconds": 1e-3})
        self.assertAlmostEqual(conv["ms"], 1.0, delta=0.01)
        self.assertEqual(conv["binds"], "launches")

    def refused(self, message, **changes):
        got = self.predicted(**changes)
        self.assertEqual(got.returncode, 1, got.stdout)
        self.assertRegex(got.stderr, message)
        self.assertEqual(len(got.stderr.splitlines()), 1, got.stderr)

    def test_what_cannot_be_predicted(self):
        lacking = {**PAPER, "kernels": {}}
        self.refused("band_forward/1x1/128x32.*budget does not have", budget=lacking)
        self.refused("is no budget", budget={})
        self.refused("is no graph", graph={"step": {}})
        self.refused("no graph of inspect: KeyError", graph={**plan(), "step": {}})
        self.refused("--device cuda", graph={**plan(), "device": "cpu"})
        unknown = plan()
        unknown["step"]["nodes"][0]["op"] = "fourier"
        self.refused("conv is a fourier", graph=unknown)
        single = plan()
        single["step"]["values"][0]["dtype"] = "f32"
        self.refused("only bf16", graph=single)
        self.refused("no rate 'speed'", rates={"speed": 1})
        self.refused("clock_hz is 0", rates={"clock_hz": 0})

    def test_usage(self):
        self.assertEqual(run("predict.py").returncode, 2)
        self.assertEqual(run("predict.py", "--inspect", "x", "--set", "a=b").returncode, 2)
        got = run("predict.py", "--inspect", self.path("absent"))
        self.assertEqual(got.returncode, 1)
        self.assertIn("cannot run", got.stderr)


class Demands(unittest.TestCase):
    def test_bytes_of_accesses(self):
        kinds = {"matrix_x4": 1, "copy_async": 1, "load_shared_16": 1, "store_shared_128": 1,
                 "load_global_32": 1, "store_global_16": 1, "all": 6}
        kernel = {**BLOCK, "threads": 32, "tiles": {}, "instructions": {"k_step": kinds}}
        demand = prediction.Demand(kernel, Work("", 1, {"k_step": 1}))
        # Four matrices of 128 bytes; 16 bytes a lane; never less than a turn of all banks.
        self.assertEqual(demand.shared_bytes, 4 * 128 + 32 * 16 + 128 + 512)
        self.assertEqual(demand.l2_bytes, 32 * 16 + 32 * 2)  # f32 vectors stay in L1
        self.assertEqual(demand.instructions, 6)

    def test_blocks_take_turns_at_places(self):
        for blocks, places, longer in ((4, 4, 1), (5, 4, 8 / 5), (8, 4, 1), (3, 4, 4 / 3)):
            self.assertAlmostEqual(prediction.uneven([Work("", blocks, {})], [1], places), longer)

    def test_blocks_that_walk_start_first(self):
        def uneven(tiles, of_a_tile, of_walking):
            works = [Work("data", tiles, {}), Work("weights", 1, {})]
            return prediction.uneven(works, [tiles * of_a_tile, of_walking], 2)

        # The other place has two tiles; then both are done, or one goes on walking, or the tiles.
        self.assertAlmostEqual(uneven(2, 50, 100), 1)
        self.assertAlmostEqual(uneven(2, 50, 300), 600 / 400)
        self.assertAlmostEqual(uneven(4, 100, 100), 600 / 500)


class Rates(unittest.TestCase):
    def test_efficiency_between_and_beyond_the_points(self):
        rates = gpu_rates.rates_of("h100")
        for warps, share in ((4, 0.175), (8, 0.35), (12, 0.45), (16, 0.55), (64, 0.55)):
            self.assertAlmostEqual(rates.issue_share(warps), share)


@unittest.skipUnless(INSPECT, "without inspect")
class Networks(unittest.TestCase):
    def test_both_nets_on_both_gpus(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "out.json")
            got = run("predict.py", "--inspect", INSPECT, "--output", path)
            self.assertEqual(got.returncode, 0, got.stderr)
            with open(path, encoding="utf-8") as file:
                predictions = json.load(file)["predictions"]
        self.assertEqual([p["gpu"] for p in predictions], ["H100", "H200"] * 2)
        for found in predictions:
            self.assertIn("%s on %s" % (found["net"], found["gpu"]), got.stdout)
            self.assertEqual(found["batch"], 256)
            # Finite, and no better than what binds, which is no better than bytes alone.
            ceilings = found["images_per_second_at_ceiling"]
            rates = [found["images_per_second"], ceilings["1"], found["images_per_second_of_bytes"]]
            self.assertGreater(rates[0], 100)
            self.assertEqual(sorted(rates), rates)
            self.assertGreater(ceilings["0.7"], ceilings["0.5"])
            families = found["families"]
            self.assertLessEqual({"forward 3x3", "wgrad 3x3", "stem", "max pool", "transition",
                                  "average pools", "optimizer"}, set(families))
            self.assertAlmostEqual(sum(f["ms"] for f in families.values()), found["ms"], delta=0.01)
            for family in families.values():
                self.assertIn(family["binds"],
                              ("issue", "tensor", "shared", "L2", "memory", "launches"))

    def test_a_spec_with_overrides(self):
        spec = os.path.join(ROOT, "models", "specs", "fashion_mnist_d2l.json")
        got = run("predict.py", "--inspect", INSPECT, "--spec", spec, "--gpu", "h200", "--set",
                  "training.precision=bf16", "--set", "training.batch_size=64")
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertEqual(got.stdout.count("predicted"), 2)  # and in the legend
        got = run("predict.py", "--inspect", INSPECT, "--spec", spec)
        self.assertEqual(got.returncode, 1)
        self.assertIn("only bf16", got.stderr)


@unittest.skipUnless(LIST_LAUNCHES, "without list_launches")
class Launches(unittest.TestCase):
    """What the kernels' host code launches, against what predict.py says that it does."""

    @staticmethod
    def launched(preset):
        """(blocks, threads, bytes of dynamic shared memory) of each launch."""
        got = subprocess.run([LIST_LAUNCHES, preset], capture_output=True, text=True, check=True)
        rows = [line.split() for line in got.stdout.splitlines()]
        # Linear layers are cuBLAS's on a GPU; here they are the convolutions between these two.
        first, last = ([row[0] for row in rows].index("global_average_pool_" + way)
                       for way in ("forward", "backward"))
        rows = [row for i, row in enumerate(rows) if not (first < i < last and "conv_" in row[0])]
        return [tuple(int(number) for number in row[1:]) for row in rows]

    def nets(self, budget):
        """(title, predicted calls, launches) of the default nets."""
        for (preset, _, _), (title, graph) in zip(step_graph.NETS.values(),
                                                  step_graph.default_nets(INSPECT)):
            yield title, step_calls.step_calls(graph, budget), self.launched(preset)

    def test_convolutions_in_order(self):
        budget = sass_budget.load(BUDGET)
        for title, calls, launches in self.nets(budget):
            calls = [call for call in calls if call.dynamic_bytes]
            real = [row for row in launches if row[2]]
            self.assertEqual(len(calls), len(real), title)
            for call, (blocks, threads, dynamic) in zip(calls, real):
                self.assertEqual((call.dynamic_bytes, budget["kernels"][call.kernel]["threads"]),
                                 (dynamic, threads), call)
                self.assertEqual(sum(work.blocks for work in call.works) + call.idle, blocks, call)

    def test_all_others(self):
        for title, calls, launches in self.nets(sass_budget.load(BUDGET)):
            predicted = Counter(sum(work.blocks for work in call.works) for call in calls
                                if call.kernel and not call.dynamic_bytes)
            real = Counter(row[0] for row in launches if not row[2])
            self.assertGreater(sum(predicted.values()), 10, title)
            self.assertEqual(predicted - real, Counter(), title)


if __name__ == "__main__":
    unittest.main()
