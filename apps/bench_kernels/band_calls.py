# SPDX-License-Identifier: Apache-2.0
"""What the launches of band kernels are: repeats what kernels/src/conv/band
decide (slots.cuh, shapes and their shared memory, tuning.cuh), plan/band_wgrad_plan.h and
plan/backward_roles.h. Each function returns a Launch, or None where a problem is left to other
kernels."""
from collections import namedtuple
from math import gcd

from kernel_work import Work, tiles

HALF_SHARED, ALL_SHARED = 113 * 1024, 227 * 1024
THREADS, STEP_SLOTS, SLICE = 128, 64, 32
PADDED_SLICE, PAD = 80, 16                 # bytes of a row of 32 channels, and behind any row
TABLES = {"plain": 0, "norm_relu": 8, "deferred": 12}  # bytes per channel
RESIDENT = 264                             # blocks of a large GPU
# Instructions of a block for a pixel, of wgrad and dgrad, by the side of the filter.
COSTS = {1: (52.0, 140.0), 3: (66.0, 150.0)}
HEAD_START = 1.15

Launch = namedtuple("Launch", "key works dynamic partial idle", defaults=(0, 0))
Launch.__doc__ = "dynamic: bytes of shared memory. partial: of sums on their way through memory."
Shape = namedtuple("Shape", "rows columns warps stages slices most", defaults=(1, ALL_SHARED))
Shape.__doc__ = "Of a tile. warps: along the rows. slices: of a step of dgrad. most: shared bytes."
FORWARD_1X1 = ((32, Shape(128, 32, 4, 4)), (64, Shape(128, 64, 4, 4)),
               (None, Shape(128, 128, 2, 4)))
FORWARD_3X3 = ((32, Shape(256, 32, 4, 2, 1, HALF_SHARED)), (32, Shape(128, 32, 4, 2)),
               (None, Shape(128, 64, 4, 2)))
DGRAD = {1: (Shape(128, 64, 4, 2, 4),),
         3: (Shape(256, 32, 4, 3, 3, HALF_SHARED), Shape(128, 32, 4, 3, 3))}


def whole_slices(channels):
    return tiles(channels, SLICE) * SLICE


class Band:
    """The slots of a tile of so many pixels."""

    def __init__(self, problem, rows):
        x, self.rows, self.side = problem.x, rows, problem.side
        self.width, self.area = x.w, x.h * x.w
        if self.side == 1:
            self.most, self.steps = rows, rows / STEP_SLOTS
            return
        rows_begun, images_begun = ((extent - 2 + rows) // extent for extent in (x.w, self.area))
        most = rows + rows_begun + images_begun * (x.w + 1) + 2 * (x.w + 2)
        self.most = tiles(most, STEP_SLOTS) * STEP_SLOTS
        # Tiles begin everywhere in an image.
        firsts = range(0, self.area, gcd(self.area, rows))
        self.steps = sum(tiles(self.used(first), STEP_SLOTS) for first in firsts) / len(firsts)

    def slot(self, pixel):
        row = pixel // self.width
        return (row + pixel // self.area) * (self.width + 1) + pixel % self.width

    def used(self, first):
        return self.slot(first + self.rows - 1) - self.slot(first) + 1 + 2 * (self.width + 2)

    def table_bytes(self):
        return 4 * self.most if self.side == 3 else 0

    def parts(self, slices):
        """Of a block that loads so many slices."""
        if self.side == 1:
            return {}
        return {"slot_table": STEP_SLOTS * self.steps / THREADS, "band_step": slices * self.steps}


def pixel_key(kind, problem, shape, *rest):
    return "band_%s/%s/%dx%d/%s" % (kind, problem.filter, shape.rows, shape.columns,
                                    "/".join(str(word) for word in rest))


def forward(problem, family, change, alignment):
    if not (problem.side and alignment):
        return None
    shapes = FORWARD_1X1 if problem.side == 1 else FORWARD_3X3
    fitting = [shape for filters, shape in shapes if filters is None or problem.y.c <= filters]
    if problem.y.c > SLICE:
        fitting = fitting[:1]
    for shape in fitting:
        band = Band(problem, shape.rows)
        dynamic = forward_bytes(problem, shape, band, change)
        if dynamic <= shape.most:
            work = forward_work(problem, family, shape, band, alignment)
            return Launch(pixel_key("forward", problem, shape, change, alignment), [work], dynamic)
    return None


def forward_bytes(problem, shape, band, change):
    stage = band.most * PADDED_SLICE + problem.taps * SLICE * shape.columns * 2
    epilogue = (shape.rows * (2 * shape.columns + PAD) + 2 * shape.warps * shape.columns * 4 +
                THREADS * 16)
    return (max(shape.stages * stage, epilogue) + whole_slices(problem.x.c) * TABLES[change] +
            band.table_bytes())


def forward_work(problem, family, shape, band, alignment):
    slices = tiles(problem.x.c, SLICE)
    across = tiles(problem.y.c, shape.columns)
    columns = problem.y.c / across
    parts = {"before": 1, "after": 1, "k_step": slices,
             "fill": max(0, slices - shape.stages + 1), "table": slices * SLICE / 2 / THREADS,
             "store": shape.rows * columns * 2 / alignment / THREADS, "sums": columns / THREADS}
    return Work(family, tiles(problem.y.pixels, shape.rows) * across,
                {**parts, **band.parts(slices)})


class Dgrad:
    """The data's gradient with one shape. norm: whether it goes through one."""

    def __init__(self, problem, shape, change, norm):
        self.problem, self.shape, self.norm = problem, shape, norm
        self.band = Band(problem, shape.rows)
        self.slices = tiles(problem.y.c, SLICE)
        own = (2 if norm else 1) * shape.rows * (2 * shape.columns + PAD)
        step = shape.slices * SLICE * shape.columns * 2
        companion = self.band.most * PADDED_SLICE if change == "deferred" else 0
        stream = max(shape.stages * step + own, companion)
        self.at_once = stream // companion if companion else self.slices
        vectors = 2 * (shape.columns * 16 + 2 * shape.warps * shape.columns * 4) if norm else 0
        padded = self.slices * SLICE
        self.dynamic = (stream + self.band.most * (2 * padded + PAD) + padded * TABLES[change] +
                        vectors + self.band.table_bytes())

        # Channels are cut into ranges where the tiles of pixels are too few blocks.
        self.chunks = tiles(problem.x.c, shape.columns)
        self.along = tiles(problem.x.pixels, shape.rows)
        per_block = tiles(self.chunks, min(self.chunks, tiles(RESIDENT, self.along)))
        self.across = tiles(self.chunks, per_block)

    def idle(self, ranges):
        """Blocks without a tile, where so many ranges of pixels have equally many blocks."""
        return (tiles(self.along, ranges) * ranges - self.along) * self.across

    def work(self, family):
        chunks = self.chunks / self.across
        steps = tiles(self.slices, self.shape.slices) if self.band.side == 1 else 3 * self.slices
        parts = {"before": 1, "after": 1, "table": self.slices * SLICE / 2 / THREADS,
                 "band_pass": tiles(self.slices, self.at_once), "slice": self.slices,
                 "chunk": chunks, "step": chunks * steps,
                 "product": chunks * max(0, self.slices - steps),
                 "sums": chunks * self.shape.columns / THREADS}
        return Work(family, self.along * self.across, {**parts, **self.band.parts(self.slices)})


def dgrad(problem, family, change, norm, alignment):
    if not (problem.side and alignment):
        return None
    for shape in DGRAD[problem.side]:
        found = Dgrad(problem, shape, change, norm)
        if found.dynamic <= shape.most:
            key = pixel_key("dgrad", problem, shape, change, "norm" if norm else "plain", alignment)
            return Launch(key, [found.work(family)], found.dynamic)
    return None


class Wgrad:
    """The weights' gradient in about so many blocks."""

    def __init__(self, problem, wanted=RESIDENT):
        self.problem, x, filters = problem, problem.x, problem.y.c
        if problem.side == 1:
            self.filters, self.channels = 128 if filters > 64 else 64, 128
            self.steps, least = tiles(x.pixels, 32), 16
        else:
            self.filters, self.channels = 32 if filters > 16 else 16, 64
            self.steps, least = tiles(x.n * (x.h + 1) * (x.w + 1) - (x.w + 2), STEP_SLOTS), 8
        self.tiles = tiles(filters, self.filters) * tiles(x.c, self.channels)
        self.ranges = max(1, min(wanted // self.tiles, self.steps // least))
        self.ahead = tiles(2 * (x.w + 2), STEP_SLOTS) if problem.side == 3 else 0

    def dynamic(self, gradient, patch):
        def rows(count, channels):
            return count * (2 * channels + PAD)

        tables = self.filters * TABLES[gradient] + self.channels * TABLES[patch]
        if self.problem.side == 1:
            return 3 * (rows(32, self.filters) + rows(32, self.channels)) + tables
        stage = (2 if gradient == "deferred" else 1) * rows(STEP_SLOTS, self.filters)
        ring = rows((self.ahead + 2) * STEP_SLOTS + 2, self.channels)
        return 2 * stage + tables + ring + (self.ahead + 4) * STEP_SLOTS * 4

    def work(self, family):
        parts = {"range": 1, "ahead": self.ahead, "range_step": self.steps / self.ranges,
                 "patch_table": self.channels / 2 / THREADS,
                 "gradient_table": self.filters / 2 / THREADS}
        return Work(family, self.tiles * self.ranges, parts)

    def partial_bytes(self):
        """Sums of ranges are written and read."""
        elements = self.tiles * self.ranges * self.filters * self.channels * self.problem.taps
        return 8 * elements if self.ranges > 1 else 0


def wgrad(problem, family, gradient, patch, alignment):
    if not (problem.side and alignment):
        return None
    plan = Wgrad(problem)
    dynamic = plan.dynamic(gradient, patch)
    if dynamic > HALF_SHARED:
        return None
    key = "band_wgrad/%s/%d/%s+%s/%d" % (problem.filter, plan.filters, gradient, patch, alignment)
    return Launch(key, [plan.work(family)], dynamic, plan.partial_bytes())


def walking_blocks(side):
    of_weights, of_data = COSTS[side]
    return int(HEAD_START * of_weights / (of_weights + of_data) * RESIDENT)


def backward(problem, families, alignment):
    """families: of the data's and the weights' gradient."""
    if not (problem.side and alignment):
        return None
    plan = Wgrad(problem, walking_blocks(problem.side))
    of_weights = plan.dynamic("deferred", "norm_relu")
    for shape in DGRAD[problem.side]:
        data = Dgrad(problem, shape, "deferred", True)
        dynamic = max(data.dynamic, of_weights)
        if dynamic <= shape.most:
            key = "band_backward/%s/%dx%d+%d/%d" % (problem.filter, shape.rows, shape.columns,
                                                    plan.filters, alignment)
            works = [data.work(families[0]), plan.work(families[1])]
            return Launch(key, works, dynamic, plan.partial_bytes(), data.idle(plan.ranges))
    return None
