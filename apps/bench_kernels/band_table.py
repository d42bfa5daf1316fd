# SPDX-License-Identifier: Apache-2.0
"""The loops of the kernels in kernels/src/conv/band, see kernel_table.py.

Parts of a block of pixels (forward, dgrad): before, after; slot_table and table, a turn of filling
those; k_step, 32 channels of forward; fill, the copies of one of those but for the first ones;
band_step, a turn around a band of slots; store, sums, turns of the epilogue; and of dgrad:
band_pass, slice, 32 filters of the band; chunk, of channels; step and product, filters that are
multiplied. Of the weights: range, before and behind a range of pixels; gradient_table,
patch_table; ahead, a band in front of the first; range_step, 32 pixels or a band."""
import re

from kernel_loops import Kernel, Loop, Tile

WGRAD_THREADS, BAND, CHANNELS_3X3 = 128, 64, 64
CHANNELS_1X1, STEP_1X1 = 128, 32
SLICE, PACK = 32, 8
CHANGES = {"PlainPacks": "plain", "NormReluPacks": "norm_relu", "DeferredGradientPacks": "deferred"}
# Filling the table of a change, for a pair of channels.
TABLES = {"norm_relu": {"store_shared_128": 1}, "deferred": {"store_shared_64": 1}}
# Sums of a column leave a block.
SUMS = Loop("sums", {"store_global_32": 2}, copies="short")

TILE = r"Tile<(\d+), (\d+), (\d+), (\d+), \d+>"
FORWARD = re.compile(r"ForwardShape<(\d), " + TILE + r", (\d), (\w+), (\d+)>")
DGRAD = re.compile(r"DgradShape<(\d), " + TILE + r", (\d), (\d), (\w+), (\w+), (\d+)>")
WGRAD = re.compile(r"Wgrad(\d)x\d<(\w+), (\w+), (\d+), (\d+)>")


def table(part, change):
    return () if change == "plain" else (Loop(part, TABLES[change], copies="short"),)


def statistics_epilogue(alignment):
    """Results go out by one of these loops, whichever their alignment allows."""
    return tuple(Loop("store" if bits == 8 * alignment else None, {"store_global_%d" % bits: 1},
                      copies="long") for bits in (128, 64, 16)) + (SUMS,)


class OfPixels:
    """What forward and dgrad have in common: a tile of pixels and its band."""

    def __init__(self, side, numbers, change, alignment):
        self.side = int(side)
        self.rows, self.columns, self.warp_rows, warp_columns = (int(n) for n in numbers)
        self.threads = 32 * (self.rows // self.warp_rows) * (self.columns // warp_columns)
        self.products = self.warp_rows // 16 * (warp_columns // 8) * 2  # of a slice and a tap
        self.change = CHANGES[change]
        self.copies = 16 // int(alignment)                              # of a pack
        self.alignment = alignment
        # Packs of a slice of the band for each thread: where there are taps, of a turn.
        self.packs = 2 if self.side == 3 else self.rows * SLICE // PACK // self.threads

    def name(self):
        return "%dx%d/%dx%d" % (self.side, self.side, self.rows, self.columns)

    def slot_table(self):
        return (Loop("slot_table", {"store_shared_32": 1}),) if self.side == 3 else ()

    def of_band(self, part, unit, count):
        """Loops around a slice of the band, or with taps around `count` times its slots."""
        return tuple(Loop(part, unit) for _ in range(count)) if self.side == 3 else ()

    def band_copies(self):
        return {"copy_async": self.packs * self.copies}

    def band_changes(self):
        return {"store_shared_128": self.packs}


class Forward(OfPixels):
    def __init__(self, match):
        side, *numbers, _, change, alignment = match.groups()
        super().__init__(side, numbers, change, alignment)

    def kernel(self):
        key = "/".join(("band_forward", self.name(), self.change, self.alignment))
        taps, changed = self.side ** 2, self.change != "plain"
        filters = self.columns * SLICE // PACK // self.threads * taps * self.copies
        fill = filters + (self.band_copies()["copy_async"] if self.side == 1 else 0)
        inner = (self.of_band("band_step", self.band_changes(), int(changed)) +
                 self.of_band("band_step", self.band_copies(), 1))
        step = Loop("k_step", {"mma_16x8x16": self.products * taps}, inner=inner,
                    asides=(("fill", {"copy_async": fill}),), around=("before", "after"))
        loops = (self.slot_table() + table("table", self.change) +
                 self.of_band(None, self.band_copies(), 1) + (step,) +
                 statistics_epilogue(int(self.alignment)))
        return Kernel(key, self.threads, None, loops, (Tile("k_step", self.rows, self.columns,
                                                            SLICE),))


class Dgrad(OfPixels):
    def __init__(self, match):
        side, *numbers, slices, _, change, target, alignment = match.groups()
        super().__init__(side, numbers, change, alignment)
        self.slices, self.norm = int(slices), target == "NormGradientTarget"
        self.tensors = 2 if self.change == "deferred" else 1

    def band(self):
        """The band is copied and changed, slice by slice."""
        copies, changes = self.band_copies(), self.band_changes()
        changed = self.change != "plain"
        if self.side == 3:
            slices = (Loop("slice", inner=self.of_band("band_step", copies, self.tensors)),
                      Loop("slice", inner=self.of_band("band_step", changes, 1)))
        else:
            copies["copy_async"] *= self.tensors
            slices = (Loop("slice", copies), Loop("slice", changes))
        return Loop("band_pass", {"sync": 2}, inner=slices[:2 if changed else 1])

    def chunk(self):
        """Steps of products, and what happens once for a chunk of channels."""
        sums = (SUMS,) if self.norm else ()
        rows_at_once = 32 // (2 * self.columns // int(self.alignment))
        fetched = self.warp_rows // rows_at_once * (2 if self.norm else 1)
        asides = (("chunk", {"copy_async": fetched}),)
        if self.side == 1:
            asides += (("product", {"mma_16x8x16": self.products}),)
        step = Loop("step", {"mma_16x8x16": self.products * self.slices}, inner=sums,
                    asides=asides)
        return (Loop("chunk", inner=(step,), around=("before", "after")),) + tuple(
            loop._replace(part=None) for loop in sums)

    def loops(self):
        return self.slot_table() + table("table", self.change) + (self.band(),) + self.chunk()

    def tile(self):
        return Tile("step", self.rows, self.columns, SLICE)

    def kernel(self):
        key = "/".join(("band_dgrad", self.name(), self.change, "norm" if self.norm else "plain",
                        self.alignment))
        return Kernel(key, self.threads, None, self.loops(), (self.tile(),))


class Wgrad:
    def __init__(self, match):
        self.side, self.filters, self.alignment = (int(match.group(i)) for i in (1, 4, 5))
        self.gradient, self.patch = (CHANGES[match.group(i)] for i in (2, 3))
        self.copies = 16 // self.alignment

    def packs(self, rows, channels):
        """Of a thread."""
        return rows * channels // PACK // WGRAD_THREADS

    def loops(self):
        return (table("patch_table", self.patch) + table("gradient_table", self.gradient) +
                (self.steps_1x1() if self.side == 1 else self.ahead() + self.bands()))

    def steps_1x1(self):
        products = self.filters // 32 * (CHANNELS_1X1 // 16) * 2
        of_patch = self.packs(STEP_1X1, CHANNELS_1X1)
        of_gradient = self.packs(STEP_1X1, self.filters)
        asides = (("range_step", {"copy_async": self.copies * of_patch}),
                  ("range_step", {"load_global_%d" % (8 * self.alignment):
                                  2 * self.copies * of_gradient}),
                  (None, {"store_shared_128": 1}))
        return (Loop("range_step", {"mma_16x8x16": products}, asides=asides,
                     around=("range", "range")),)

    def ahead(self):
        packs = self.packs(BAND, CHANNELS_3X3)
        return (Loop("ahead", {"store_shared_32": 1}),
                Loop("ahead", {"copy_async": packs * self.copies}),
                Loop("ahead", {"store_shared_128": packs + 1 if self.patch != "plain" else 1}))

    def bands(self):
        products = Loop("range_step", {"mma_16x8x16": 9 * self.filters // 16 * 2}, BAND // 16)
        return (Loop("range_step", inner=(products,), around=("range", "range")),)

    def tile(self):
        return Tile("range_step", self.filters, CHANNELS_1X1 if self.side == 1 else CHANNELS_3X3,
                    STEP_1X1 if self.side == 1 else BAND)

    def kernel(self):
        key = "band_wgrad/%dx%d/%d/%s+%s/%d" % (self.side, self.side, self.filters, self.gradient,
                                                self.patch, self.alignment)
        return Kernel(key, WGRAD_THREADS, None, self.loops(), (self.tile(),))


def band_kernel(name):
    """The description of a band kernel, or None."""
    forward, dgrad, wgrad = (pattern.search(name) for pattern in (FORWARD, DGRAD, WGRAD))
    if forward:
        return Forward(forward).kernel()
    if dgrad and wgrad:
        data, weights = Dgrad(dgrad), Wgrad(wgrad)
        key = "band_backward/%s+%d/%s" % (data.name(), weights.filters, data.alignment)
        return Kernel(key, data.threads, None, data.loops() + weights.loops(),
                      (data.tile(), weights.tile()))
    if dgrad:
        return Dgrad(dgrad).kernel()
    return Wgrad(wgrad).kernel() if wgrad else None
