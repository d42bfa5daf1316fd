# SPDX-License-Identifier: Apache-2.0
"""Tests of predict_test.py about band kernels: which launch a convolution is, and whether what
plan/backward_roles.h takes for granted is what the kernels do."""
import os
import re
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "apps", "bench_kernels"))

import band_calls    # noqa: E402
import prediction    # noqa: E402
import sass_budget   # noqa: E402
import step_graph    # noqa: E402
from kernel_work import Problem  # noqa: E402

BUDGET = os.path.join(ROOT, "kernels", "sass_budget.json")


def value(name, kind, shape, dtype="bf16", size=2):
    return {"name": name, "kind": kind, "dtype": dtype, "shape": shape,
            "bytes": size * shape[0] * shape[1] * shape[2] * shape[3]}


def convolution(side, size, channels, filters, images=256):
    """Stride 1."""
    x, y = ([images, size, size, c] for c in (channels, filters))
    shapes = (x, [filters, side, side, channels], y)
    return Problem(*(step_graph.Value(value("", "intermediate", shape)) for shape in shapes))


class Bands(unittest.TestCase):
    def test_slots_of_a_tile(self):
        band = band_calls.Band(convolution(3, 8, 32, 32), 128)
        # Two images of 8 rows: a slot in front of each row, and of the second image another row;
        # taps reach a row and a slot to both sides.
        self.assertEqual(band.used(0), 128 + 15 + 9 + 2 * 10)
        self.assertEqual(band.most, 192)
        self.assertEqual(band_calls.Band(convolution(1, 8, 32, 32), 128).most, 128)

    def test_large_images_get_smaller_tiles(self):
        for size, tile in ((56, "256x32"), (112, "128x32")):
            launch = band_calls.forward(convolution(3, size, 128, 32), "", "norm_relu", 16)
            self.assertEqual(launch.key, "band_forward/3x3/%s/norm_relu/16" % tile)
        self.assertIsNone(band_calls.forward(convolution(3, 56, 128, 32), "", "plain", 0))

    def test_channels_are_cut_where_pixels_are_few(self):
        # 6272 and 98 tiles of 128 pixels; 16 chunks of 64 channels for 264 blocks, 6 to a block.
        for size, blocks in ((56, 6272), (7, 98 * 3)):
            work, = band_calls.dgrad(convolution(1, size, 1024, 128), "", "plain", True, 16).works
            self.assertEqual(work.blocks, blocks)


class Roles(unittest.TestCase):
    """plan/backward_roles.h against the budget."""

    @staticmethod
    def totals(launch):
        """Instructions of the data's and the weights' blocks."""
        kernel = sass_budget.load(BUDGET)["kernels"][launch.key]
        return [prediction.Demand(kernel, work).instructions * work.blocks for work in launch.works]

    def test_costs_of_a_pixel_are_near_the_budget(self):
        with open(os.path.join(ROOT, "kernels", "src", "conv", "plan", "backward_roles.h"),
                  encoding="utf-8") as file:
            header = file.read()
        for side, filters in ((1, 128), (3, 32)):
            problem = convolution(side, 56, 128, filters)
            data, weights = self.totals(band_calls.backward(problem, ("", ""), 16))
            declared = re.search(r"kCosts%dx%d\{([\d.]+), ([\d.]+)\}" % (side, side), header)
            self.assertEqual(band_calls.COSTS[side], tuple(map(float, declared.groups())))
            for cost, total in zip(band_calls.COSTS[side], (weights, data)):
                self.assertAlmostEqual(total / problem.x.pixels / cost, 1, delta=0.15)

    def test_both_roles_of_a_densenet_are_done_at_about_the_same_time(self):
        sizes = ((56, 64, 256), (28, 128, 512), (14, 256, 1024), (7, 512, 1024))
        layers = [convolution(*layer) for size, first, end in sizes
                  for channels in range(first, end, 32)
                  for layer in ((1, size, channels, 128), (3, size, 128, 32))]
        whole = longer = 0.0
        for problem in layers:
            launch = band_calls.backward(problem, ("", ""), 16)
            totals = self.totals(launch)
            whole += sum(totals)
            longer += sum(totals) * prediction.uneven(launch.works, totals, band_calls.RESIDENT)
        self.assertLess(longer / whole, 1.2)
