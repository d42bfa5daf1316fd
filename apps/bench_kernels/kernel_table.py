# SPDX-License-Identifier: Apache-2.0
"""What the loops of each kernel do: what a disassembly does not say.

A kernel is known by its demangled name, and its loops by what they hold: a Loop names the
instructions that one unit of its work takes, such as the products of a k-step or the copies of a
pack, and fits a loop of the code whose own instructions are a whole number of them, with the same
products inside. So it does not matter how often the compiler has unrolled a loop; one that it has
unrolled entirely is part of what surrounds it. Of a kernel's loops those that are there are listed
in the order of the code; a loop of the code that fits none of them is an error.

A Loop's instructions are counted for a part: a unit of work that a launch has a number of, a
k-step, a tile, an element. Blocks that a turn may go around are counted like the others, unless the
Loop says otherwise. What only the last of many blocks does is not counted and not listed.

A new kernel: its name as a pattern, and for a matrix product that is
  Loop("k_step", {"mma_16x8x16": products of a warp}, around=("before", "after"))
with, inside, one Loop for each loop that was not unrolled. Those of conv/band are in band_table.py,
those of conv/implicit_gemm and the others here."""
import re

from band_table import band_kernel, statistics_epilogue
from kernel_loops import OTHERS, Kernel, Loop, Tile

STAGES = 3  # kStages in kernels/src/conv/implicit_gemm

TRANSFORMS = {"PlainLoad": "plain", "NormReluLoad": "norm_relu", "DeferredGradientLoad": "deferred"}
EPILOGUES = {"StatisticsStore": "statistics", "NormGradientStore": "norm_gradient",
             "PlainStore": "accumulate"}
ARITHMETIC = {"Bf16": ("bf16", 2, 16), "Tf32": ("tf32", 4, 8)}  # bytes, depth of a product
COPIES = {"plain": 1, "norm_relu": 1, "deferred": 2}            # tensors that are loaded
# Filling the table of a transform, for one channel.
TABLES = {"norm_relu": {"load_global_32": 4, "store_shared_32": 2},
          "deferred": {"load_global_32": 7, "store_shared_32": 3}}

LOADS = ("packs", "elements", "gray", "rgb")
CHANNELS = {"gray": 1, "rgb": 3}

TILE = r"Tile<([\d, ]+)>, "
TRANSFORM = r"(\w+)<\w+>"
PIXEL = re.compile(r"PixelGemm<(\w+)Arithmetic, " + TILE + r"\(Direction\)(\d), \(Loads\)(\d), " +
                   TRANSFORM + r", (?:ElementWise<)?(\w+)<")
WGRAD = re.compile(r"WgradGemm<(\w+)Arithmetic, " + TILE + r"\(Loads\)(\d), " + TRANSFORM + ", " +
                   TRANSFORM)
SCOPE = re.compile(r"(?:\(anonymous namespace\)|\w+)::")
# One tap of a table of all that a block reads, and where one of its pixels is.
TAP, ROW = {"store_shared_128": 1}, {"store_shared_64": 1}


class Gemm:
    """Template arguments of one matrix product, and the loops that follow from them."""

    def __init__(self, part, arithmetic, numbers, loads):
        self.dtype, self.element, self.depth_of_product = ARITHMETIC[arithmetic]
        self.part, self.loads = part, LOADS[int(loads)]
        self.bm, self.bn, self.wm, self.wn, self.bk = (int(n) for n in numbers.split(","))
        self.threads = 32 * (self.bm // self.wm) * (self.bn // self.wn)

    @property
    def name(self):
        return "%dx%d" % (self.bm, self.bn)

    def main(self):
        """The pipeline: stages filled ahead, then steps that change, fill and multiply."""
        around = ("before", "after") if self.part == "k_step" else ("range", "range")
        products = self.wm // 16 * (self.wn // 8) * (self.bk // self.depth_of_product)
        return (Loop(around[0], {"sync": 1}, STAGES - 1),
                Loop(self.part, {"mma_16x8x%d" % self.depth_of_product: products}, around=around))

    def tile(self, lines_a, lines_b, copies):
        """lines_*: (lines, elements of a line) of the two operands, padded by 16 bytes."""
        pad = 16 // self.element
        elements = copies * lines_a[0] * (lines_a[1] + pad) + lines_b[0] * (lines_b[1] + pad)
        return Tile(self.part, self.bm, self.bn, self.bk, STAGES * elements * self.element)


def tables(part, transform):
    return () if transform == "plain" else (Loop(part, TABLES[transform], copies="short"),)


class Pixels(Gemm):
    def __init__(self, match):
        arithmetic, numbers, direction, loads, transform, epilogue = match.groups()
        super().__init__("k_step", arithmetic, numbers, loads)
        self.forward = direction == "0"
        self.transform, self.epilogue = TRANSFORMS[transform], EPILOGUES[epilogue]

    def loops(self):
        decode = Loop("before", ROW, self.bm / self.threads, copies="short")
        taps = (Loop("tap_table", TAP, copies="short"),) if self.loads in CHANNELS else ()
        with_moments = self.epilogue == "statistics" and self.dtype == "bf16"
        return ((decode,) + taps + tables("table", self.transform) + self.main() +
                (statistics_epilogue(16) if with_moments else ()))

    def kernel(self):
        key = ("forward" if self.forward else "dgrad", self.dtype, self.name, self.loads,
               self.transform, self.epilogue)
        filter_lines = (self.bn, self.bk) if self.forward else (self.bk, self.bn)
        copies = COPIES[self.transform] if self.loads == "packs" else 1
        tile = self.tile((self.bm, self.bk), filter_lines, copies)
        return Kernel("/".join(key), self.threads, None, self.loops(), (tile,))


class Weights(Gemm):
    def __init__(self, match):
        arithmetic, numbers, loads, gradient, patch = match.groups()
        super().__init__("range_step", arithmetic, numbers, loads)
        self.gradient, self.patch = TRANSFORMS[gradient], TRANSFORMS[patch]

    def loops(self):
        return (tables("gradient_table", self.gradient) + tables("patch_table", self.patch) +
                (Loop("tap_table", TAP, copies="short"),) + self.main())

    def kernel(self):
        key = ("wgrad", self.dtype, self.name, self.loads, self.gradient + "+" + self.patch)
        copies = COPIES[self.gradient] if self.loads != "elements" else 1
        tile = self.tile((self.bk, self.bm), (self.bk, self.bn), copies)
        return Kernel("/".join(key), self.threads, None, self.loops(), (tile,))


def product(name):
    """A convolution kernel, or None."""
    for pattern, described in ((PIXEL, Pixels), (WGRAD, Weights)):
        match = pattern.search(name)
        # Strict f32 has no products to check the counts against.
        if match and match.group(1) in ARITHMETIC:
            return described(match).kernel()
    return None


# Kernels that walk down columns of packs (column_walk.cuh), with what a row of them is known by.
def rows(pattern, kind, count=1):
    return pattern, "rows/bf16/{}", (Loop("row", {kind: count}, copies="short"),)


SMALL_THREADS = 256
SMALL = [
    rows(r"for_each_row<(AverageForward)<bf16, true, 2>", "store_global_128"),
    rows(r"column_sums<NormGradientColumns<bf16, true, (TileSource)<", "store_global_128", 4),
    rows(r"(global_average)<bf16, true>", "load_global_128"),
    rows(r"column_sums<NormGradientColumns<bf16, true, (GlobalAverageSource)<", "store_global_128"),
    rows(r"chunk_moments<(MaxForward)<bf16, true, 3>", "store_global_128"),
    rows(r"column_sums<NormGradientColumns<bf16, true, (MaxTileSource)<", "store_global_128", 4),
    (r"for_each_pack<(SumRanges)>", "each/f32/{}",
     (Loop("item", inner=(Loop("tap", {"load_global_32": 1}, copies="long"),), copies="short"),)),
    # The search for the parameter; of the updates that with momentum and a rounded copy.
    (r"update<(Sgd), ", "update/f32/{}",
     (Loop("thread", {"constant": 1}, 8),
      Loop("item", {"load_global_32": 3, "store_global_32": 2, "store_global_16": 1},
           copies="long"), OTHERS)),
]


def kernel_of(demangled):
    """The description of a kernel, or None for one that this table does not know."""
    name = SCOPE.sub("", demangled)
    found = band_kernel(name) or product(name)
    if found:
        return found
    for pattern, key, loops in SMALL:
        match = re.search(pattern, name)
        if match:
            return Kernel(key.format(match.group(1)), SMALL_THREADS, "thread", loops)
    return None
