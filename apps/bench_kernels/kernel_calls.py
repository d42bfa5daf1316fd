# SPDX-License-Identifier: Apache-2.0
"""Which kernels the nodes of a step launch, and how much work each launch has.

This repeats what the sources in kernels/src/cuda decide: kernel_choice.cuh (tiles, loads),
plan/conv_plan.h (ranges of pixels of a weight gradient), plan/backward_roles.h (who walks, who
takes tiles), row_access.cuh and column_reduction.cuh (element-wise kernels, sums over pixels).
Sizes of tiles come from the budget.

What is not in the graph: windows of pools. Strided maximum pools have windows of 3x3, average pools
windows as large as their stride, as in DenseNets."""
from collections import namedtuple

from step_graph import WrongGraph

RANGE_BLOCKS, LEAST_PIXELS, WALKING = 264, 256, 132
WGRAD_FILTERS, WGRAD_COLUMNS = 64, 128
LEAST_PAIRED_CHANNELS = 33
MOST_CHUNKS, LEAST_ROWS, REDUCE_LANES, REDUCE_ROWS = 512, 64, 32, 8
UPDATE_CHUNK = 2048
TABLES = {"plain": 0, "norm_relu": 2, "deferred": 3}  # floats per channel

Work = namedtuple("Work", "family blocks parts")
Work.__doc__ = "Blocks of one role and how much of each part one of them has."
Call = namedtuple("Call", "kernel works dynamic_bytes bytes", defaults=(0, 0))
Call.__doc__ = """A launch. kernel: key of its budget, None where only bytes count. works: one, or
two of a launch with two roles, of which the second walks. bytes: that memory moves if no cache
helps."""


def tiles(extent, size):
    return -(-extent // size)


class Problem:
    """Extents of a convolution."""

    def __init__(self, x, weight, y):
        self.x, self.weight, self.y = x, weight, y
        self.taps = weight.h * weight.w
        self.filter = "%dx%d" % (weight.h, weight.w)
        # Strides and padding are not in the graph; padding keeps the size where it can.
        self.strided = x.h > 1 and y.h <= tiles(x.h, 2)


def conv_family(kind, problem, norm):
    if problem.x.kind == "input":
        return "stem"
    if not norm and problem.taps == 1 and not problem.strided:
        return "transition"
    return "%s %s" % (kind, problem.filter)


def columns_of(channels):
    return 32 if channels <= 32 else 64 if channels <= 64 else 128


def filters_of(channels):
    return 32 if channels <= 32 else WGRAD_FILTERS


def steps(vector, taps, channels, depth):
    return taps * tiles(channels, depth) if vector else tiles(taps * channels, depth)


class Calls:
    """The launches of a step, in order."""

    def __init__(self, budget):
        self.budget = budget
        self.calls = []

    def kernel(self, key):
        if key not in self.budget["kernels"]:
            raise WrongGraph("the step calls the kernel %s, which the budget does not have; add it "
                             "by sass_check.py --update" % key)
        return self.budget["kernels"][key]

    def tile(self, key, part):
        return self.kernel(key)["tiles"][part]

    def add(self, kernel, works, dynamic=0, moved=0):
        if kernel is not None:
            self.kernel(kernel)
        self.calls.append(Call(kernel, works, dynamic, moved))

    def stages(self, key):
        return self.budget["kernels"][key]["stage_bytes"]

    # Element by element.
    def each(self, family, kernel, items, parts, moved):
        threads = self.kernel(kernel)["threads"]
        blocks = tiles(items, threads)
        # Parts of an average thread, since the last block is not full.
        full = items / (blocks * threads)
        self.add(kernel, [Work(family, blocks, {"thread": 1, **{k: n * full
                                                                for k, n in parts.items()}})],
                 0, moved)

    # Sums over pixels: `per_pixel` parts for each pixel and 32 channels.
    def chunks(self, family, kernel, tensor, per_pixel, moved):
        rows = max(LEAST_ROWS, tiles(tensor.pixels, MOST_CHUNKS))
        chunks = tiles(tensor.pixels, rows)
        per_warp = tensor.pixels / chunks / REDUCE_ROWS
        blocks = tiles(tensor.c, REDUCE_LANES) * chunks
        self.add(kernel, [Work(family, blocks, {"thread": 1, **{k: n * per_warp
                                                                for k, n in per_pixel.items()}})],
                 0, moved)

    def bytes_alone(self, family, moved):
        self.add(None, [Work(family, 0, {})], 0, moved)

    # Rows are pixels of the result, columns its channels, k the taps and channels of the source.
    def pixel_work(self, key, family, problem, forward, vector, transform):
        tile = self.tile(key, "k_step")
        result, source = (problem.y, problem.x) if forward else (problem.x, problem.y)
        blocks = tiles(result.pixels, tile["rows"]) * tiles(result.c, tile["columns"])
        parts = {"before": 1, "after": 1,
                 "k_step": steps(vector, problem.taps, source.c, tile["depth"])}
        if not forward and problem.strided and vector:
            parts["strided"] = parts["k_step"]
        if transform != "plain":
            parts["table"] = tiles(source.c, self.budget["kernels"][key]["threads"])
        return Work(family, blocks, parts)

    def weight_work(self, key, family, problem, transforms, walking):
        """Returns the work and the number of ranges."""
        tile = self.tile(key, "range_step")
        columns = problem.taps * problem.x.c
        ranges, pixels = wgrad_ranges(problem)
        of_result = tiles(columns, WGRAD_COLUMNS) * tiles(problem.y.c, tile["rows"])
        per_block = min(ranges, tiles(ranges * of_result, WALKING)) if walking else 1
        blocks = of_result * tiles(ranges, per_block)
        per_range = tiles(min(pixels, problem.y.pixels), tile["depth"])
        threads = self.budget["kernels"][key]["threads"]
        average = ranges * of_result / blocks  # ranges of one block
        parts = {"range": average, "range_step": average * per_range}
        for name, transform, channels in (("gradient_table", transforms[0], problem.y.c),
                                          ("patch_table", transforms[1], problem.x.c)):
            if transform != "plain":
                parts[name] = average * tiles(channels, threads)
        return Work(family, blocks, parts), ranges

    def sum_ranges(self, problem, ranges):
        elements = problem.weight.elements
        self.each("sums of wgrad", "each/f32/SumRanges", elements, {"item": 1, "tap": ranges},
                  4 * elements * (ranges + 1))

    def forward(self, problem, norm, statistics, moved):
        vector = problem.x.packs_fit() and problem.weight.packs_fit()
        transform = "norm_relu" if norm else "plain"
        key = "forward/bf16/128x%d/%s/%s/%s" % (columns_of(problem.y.c), load_name(vector),
                                                transform,
                                                "statistics" if norm or statistics else "bias")
        work = self.pixel_work(key, conv_family("forward", problem, norm), problem, True, vector,
                               transform)
        self.add(key, [work], self.stages(key) + 4 * TABLES[transform] * problem.x.c, moved)

    def dgrad(self, problem, gradient, deferred, norm, moved):
        vector = all(value.packs_fit() for value in gradient) and problem.weight.packs_fit()
        transform = "deferred" if deferred or norm else "plain"
        key = "dgrad/bf16/128x%d/%s/%s/%s" % (columns_of(problem.x.c), load_name(vector), transform,
                                              "norm_gradient" if norm else "accumulate")
        work = self.pixel_work(key, conv_family("dgrad", problem, norm), problem, False, vector,
                               transform)
        self.add(key, [work], self.stages(key) + 4 * TABLES[transform] * problem.y.c, moved)

    def wgrad(self, problem, gradient, deferred, norm, moved):
        vector = all(value.packs_fit() for value in gradient) and problem.x.packs_fit()
        transforms = ("deferred" if deferred or norm else "plain", "norm_relu" if norm else "plain")
        key = "wgrad/bf16/%dx%d/%s/%s+%s" % ((filters_of(problem.y.c), WGRAD_COLUMNS,
                                              load_name(vector)) + transforms)
        work, ranges = self.weight_work(key, conv_family("wgrad", problem, norm), problem,
                                        transforms, False)
        dynamic = self.stages(key) + 4 * (TABLES[transforms[0]] * problem.y.c +
                                          TABLES[transforms[1]] * problem.x.c)
        self.add(key, [work], dynamic, moved + 4 * ranges * problem.weight.elements)
        self.sum_ranges(problem, ranges)

    def backward(self, problem, gradient, deferred, moved):
        values = gradient + [problem.x, problem.weight]
        if problem.x.c < LEAST_PAIRED_CHANNELS or not all(v.packs_fit() for v in values):
            self.wgrad(problem, gradient, deferred, True, moved / 2)
            self.dgrad(problem, gradient, deferred, True, moved / 2)
            return
        key = "backward/bf16/128x%d+%dx%d/vector/deferred+norm_relu/norm_gradient" % (
            max(64, columns_of(problem.x.c)), filters_of(problem.y.c), WGRAD_COLUMNS)
        data = self.pixel_work(key, conv_family("dgrad", problem, True), problem, False, True,
                               "deferred")
        weights, ranges = self.weight_work(key, conv_family("wgrad", problem, True), problem,
                                           ("deferred", "norm_relu"), True)
        # Blocks that walk have smaller stages, which leaves room for their second table.
        self.add(key, [data, weights], self.stages(key) + 4 * TABLES["deferred"] * problem.y.c,
                 moved + 4 * ranges * problem.weight.elements)
        self.sum_ranges(problem, ranges)


def load_name(vector):
    return "vector" if vector else "scalar"


def wgrad_ranges(problem):
    """Ranges of pixels of a weight gradient, and how long they are."""
    blocks = tiles(problem.y.c, WGRAD_FILTERS) * tiles(problem.taps * problem.x.c, WGRAD_COLUMNS)
    pixels = problem.y.pixels
    wanted = min(max(1, RANGE_BLOCKS // blocks), tiles(pixels, LEAST_PIXELS))
    per_range = tiles(tiles(pixels, wanted), 32) * 32
    return tiles(pixels, per_range), per_range
