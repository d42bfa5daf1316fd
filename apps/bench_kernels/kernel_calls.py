# SPDX-License-Identifier: Apache-2.0
"""Which kernels the nodes of a step launch, and how much work each launch has.

This repeats what the sources in kernels/src decide: conv/band (band_calls.py); for what those
do not take, kernel_choice.cuh (tiles, loads) and plan/conv_plan.h (ranges of pixels of a weight
gradient); column_walk.cuh and row_chunks.h (pools). Sizes of the general tiles come from the
budget.

What is not in the graph: windows of pools. Strided maximum pools have windows of 3x3, average pools
windows as large as their stride, as in DenseNets."""
import band_calls
from kernel_work import Call, Work, tiles
from step_graph import WrongGraph, alignment

RANGE_BLOCKS, LEAST_PIXELS = 264, 256
WGRAD_FILTERS, WGRAD_COLUMNS = 64, 128
FEW = {1: "gray", 3: "rgb"}                           # loads by the channels of the image
FEW_COLUMNS = {"gray": 64, "rgb": 160}                # of a weight gradient
TAP_PLACES, MOST_TAPS, TAP_BYTES = {"gray": 1, "rgb": 4}, 256, 16
STAGES, DEPTH, PACK = 3, 32, 8
TABLES = {"plain": 0, "norm_relu": 2, "deferred": 3}  # floats per channel
ENOUGH_BLOCKS, MOST_CHUNKS, CHUNK_ROWS = 1024, 512, 64
COLUMN_CHANNELS, COLUMN_ROWS = 64, 32
UPDATE_CHUNK = 2048


def columns_of(channels):
    return 32 if channels <= 32 else 64 if channels <= 64 else 128


def forward_loads(problem, norm):
    if alignment(problem.x, problem.weight) == 16:
        return "packs"
    few = FEW.get(problem.x.c) if not norm and problem.taps <= MOST_TAPS else None
    return few or "elements"


def wgrad_loads(problem, gradient, norm):
    if alignment(*gradient) < 16:
        return "elements"
    if alignment(problem.x) == 16:
        return "packs"
    few = None if norm else FEW.get(problem.x.c)
    return few if few and problem.columns <= FEW_COLUMNS[few] else "elements"


def table_taps(loads, columns, channels):
    """Of the table of a weight gradient's block."""
    return tiles(columns, PACK * channels) * PACK if loads in FEW_COLUMNS else columns


def wgrad_ranges(problem):
    """Ranges of pixels of a weight gradient, and how long they are."""
    one_tile = problem.x.c == 3 and problem.columns <= FEW_COLUMNS["rgb"]
    blocks = (tiles(problem.y.c, WGRAD_FILTERS) *
              (1 if one_tile else tiles(problem.columns, WGRAD_COLUMNS)))
    pixels = problem.y.pixels
    wanted = min(max(1, RANGE_BLOCKS // blocks), tiles(pixels, LEAST_PIXELS))
    per_range = tiles(tiles(pixels, wanted), 32) * 32
    return tiles(pixels, per_range), per_range


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

    def stages(self, key):
        return self.kernel(key)["stage_bytes"]

    def add(self, kernel, works, dynamic=0, moved=0, idle=0):
        if kernel is not None:
            self.kernel(kernel)
        self.calls.append(Call(kernel, works, dynamic, moved, idle))

    def band(self, launch, moved):
        """Whether band kernels take it."""
        if launch is not None:
            self.add(launch.key, launch.works, launch.dynamic, moved + launch.partial, launch.idle)
        return launch is not None

    # Element by element.
    def each(self, family, kernel, items, parts, moved):
        threads = self.kernel(kernel)["threads"]
        blocks = tiles(items, threads)
        # Parts of an average thread, since the last block is not full.
        full = items / (blocks * threads)
        self.add(kernel, [Work(family, blocks, {"thread": 1, **{k: n * full
                                                                for k, n in parts.items()}})],
                 0, moved)

    # Down the rows of chunks; `chunk`: rows of one, where these are not cut.
    def rows(self, family, kernel, rows, channels, moved, chunk=None):
        across = tiles(channels, COLUMN_CHANNELS)
        if chunk is None:
            most = min(max(ENOUGH_BLOCKS // across, 1), MOST_CHUNKS)
            chunk = tiles(tiles(rows, CHUNK_ROWS), most) * CHUNK_ROWS
        chunks = tiles(rows, chunk)
        full = channels / (across * COLUMN_CHANNELS)
        parts = {"thread": 1, "row": full * rows / chunks / COLUMN_ROWS}
        self.add(kernel, [Work(family, across * chunks, parts)], 0, moved)

    def bytes_alone(self, family, moved):
        self.add(None, [Work(family, 0, {})], 0, moved)

    # Rows are pixels of the result, columns its channels. share: of the pixels.
    def pixel_work(self, key, family, result, steps, share=1):
        tile, threads = self.tile(key, "k_step"), self.kernel(key)["threads"]
        blocks = tiles(tiles(result.pixels, share), tile["rows"]) * tiles(result.c, tile["columns"])
        parts = {"before": 1, "after": 1, "k_step": steps,
                 "store": tile["rows"] * min(tile["columns"], result.c) / PACK / threads,
                 "sums": tile["columns"] / threads}
        return Work(family, blocks, parts)

    def forward(self, problem, norm, moved):
        family, change = problem.family("forward", norm), "norm_relu" if norm else "plain"
        aligned = alignment(problem.x, problem.weight, problem.y)
        if self.band(band_calls.forward(problem, family, change, aligned), moved):
            return
        loads = forward_loads(problem, norm)
        key = "forward/bf16/128x%d/%s/%s/statistics" % (columns_of(problem.y.c), loads, change)
        threads = self.kernel(key)["threads"]
        if loads in TAP_PLACES:
            of_step = DEPTH // TAP_PLACES[loads]
            steps = tiles(problem.taps, of_step)
            taps = (steps + STAGES) * of_step
            table, parts = TAP_BYTES * taps, {"tap_table": taps / threads}
        else:
            steps = problem.taps * tiles(problem.x.c, DEPTH)
            table, parts = 4 * TABLES[change] * problem.x.c, {"table": problem.x.c / threads}
        work = self.pixel_work(key, family, problem.y, steps)
        work.parts.update(parts)
        self.add(key, [work], self.stages(key) + table, moved)

    def dgrad(self, problem, gradient, others, change, norm, moved):
        """gradient, others: tensors, of y's gradient and of the data's."""
        family = problem.family("dgrad", norm)
        aligned = alignment(problem.weight, *gradient, *others)
        if self.band(band_calls.dgrad(problem, family, change, norm, aligned), moved):
            return
        loads = "packs" if alignment(problem.weight, *gradient) == 16 else "elements"
        key = "dgrad/bf16/128x%d/%s/%s/%s" % (columns_of(problem.x.c), loads, change,
                                              "norm_gradient" if norm else "accumulate")
        phases = 4 if problem.strided else 1  # launches, of which each has its taps
        steps = problem.taps * tiles(problem.y.c, DEPTH)
        work = self.pixel_work(key, family, problem.x, steps / phases, phases)
        work.parts["table"] = problem.y.c / self.kernel(key)["threads"]
        for _ in range(phases):
            self.add(key, [work], self.stages(key) + 4 * TABLES[change] * problem.y.c,
                     moved / phases)

    def wgrad(self, problem, gradient, changes, moved):
        """gradient: its tensors. changes: of the gradient of y and of x."""
        norm = changes[1] != "plain"
        family, aligned = problem.family("wgrad", norm), alignment(problem.x, *gradient)
        if self.band(band_calls.wgrad(problem, family, *changes, aligned), moved):
            return
        loads = wgrad_loads(problem, gradient, norm)
        rows = 32 if problem.y.c <= 32 and loads not in FEW_COLUMNS else WGRAD_FILTERS
        columns = FEW_COLUMNS.get(loads, WGRAD_COLUMNS)
        key = "wgrad/bf16/%dx%d/%s/%s+%s" % ((rows, columns, loads) + changes)
        taps = table_taps(loads, columns, problem.x.c)
        tables = TABLES[changes[0]] * problem.y.c + TABLES[changes[1]] * problem.x.c
        work, ranges = self.weight_work(key, family, problem, taps)
        elements = problem.weight.elements
        self.add(key, [work], self.stages(key) + TAP_BYTES * taps + 4 * tables,
                 moved + 4 * ranges * elements)
        self.each(family, "each/f32/SumRanges", elements, {"item": 1, "tap": ranges},
                  4 * elements * (ranges + 1))

    def weight_work(self, key, family, problem, taps):
        """Returns the work and the number of ranges."""
        tile, threads = self.tile(key, "range_step"), self.kernel(key)["threads"]
        ranges, pixels = wgrad_ranges(problem)
        blocks = ranges * (tiles(problem.columns, tile["columns"]) *
                           tiles(problem.y.c, tile["rows"]))
        parts = {"range": 1, "range_step": tiles(min(pixels, problem.y.pixels), tile["depth"]),
                 "tap_table": taps / threads, "gradient_table": problem.y.c / threads,
                 "patch_table": problem.x.c / threads}
        return Work(family, blocks, parts), ranges

    def backward(self, problem, gradient, others, moved):
        """Both gradients behind a norm. others: tensors of the data's beside those of y's."""
        families = problem.family("dgrad", True), problem.family("wgrad", True)
        aligned = alignment(problem.weight, *gradient, *others)
        launch = band_calls.backward(problem, families, aligned)
        if not self.band(launch, moved):
            self.wgrad(problem, gradient, ("deferred", "norm_relu"), moved / 2)
            self.dgrad(problem, gradient, others, "deferred", True, moved / 2)
