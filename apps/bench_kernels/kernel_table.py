# SPDX-License-Identifier: Apache-2.0
"""How often the loops of each kernel run: what a disassembly does not say.

A kernel is known by its demangled name. Its loops are listed here in the order of the code, each
with its role and its inner loops; `sass_budget` compares the list with the loops it finds, and a
kernel that has been rewritten has to be described anew.

Roles say for what a loop's instructions are counted ("part") and how many turns of the loop that is
("turns"). A part is a unit of work that a launch has a number of: a k-step, a tile, an element.
  Role(part, turns)   turns may be less than 1: packs / threads, or 1/4 for a copy of a loop that
                      the compiler unrolled by four
  SKIP                not counted: a copy of a loop for other sizes, or so few turns that another
                      copy stands for it
Blocks that a turn may go around are counted like the others, unless a role says otherwise."""
import re
from collections import namedtuple

STAGES = 3  # kStages in kernels/src/cuda/implicit_gemm

Role = namedtuple("Role", "part turns optional strided", defaults=(1.0, None, False))
Role.__doc__ = """optional: (part, share) of the blocks that a turn may go around, where these are
an unrolled rest of an inner loop. strided: dgrad divides by the stride where it is not 1."""
Kernel = namedtuple("Kernel", "key threads outside loops tiles", defaults=((),))
Kernel.__doc__ = """outside: part of what lies outside of loops; where it is "before", what lies
behind the main loop is "after"."""
Tile = namedtuple("Tile", "part rows columns warp_rows warp_columns depth stage_bytes")

SKIP = Role(None)
FOUR_SKIPPED = [(SKIP, ())] * 4       # the sums of the last block, at two levels, and unrolled
TRANSFORMS = {"KeepLoaded": "plain", "NormReluOnLoad": "norm_relu", "DeferredOnLoad": "deferred"}
EPILOGUES = {"StoreWithMoments": "statistics", "NormGradient": "norm_gradient",
             "StoreOrAccumulate": "accumulate", "StoreWithBias": "bias"}
ARITHMETIC = {"Bf16": ("bf16", 2, 16), "Tf32": ("tf32", 4, 8)}  # bytes, depth of a product
COPIES = {"plain": 1, "norm_relu": 1, "deferred": 2}            # tensors that are loaded

NUMBERS = r"Tile<([\d, ]+)>"
PIXEL = re.compile(r"PixelGemm<(\w+)Arithmetic, " + NUMBERS +
                   r", \(Direction\)(\d), (true|false), (\w+)<\w+>, (?:ElementWise<)?(\w+)<")
WGRAD = re.compile(r"WgradGemm<(\w+)Arithmetic, " + NUMBERS + r", (true|false), (\w+)<\w+>, "
                   r"(\w+)<\w+>")
SCOPE = re.compile(r"(?:\(anonymous namespace\)|\w+)::")


class Gemm:
    """Template arguments of one matrix product, and the loops that follow from them."""

    def __init__(self, part, arithmetic, numbers, vector):
        self.dtype, self.element, self.depth_of_product = ARITHMETIC[arithmetic]
        self.part = part
        self.bm, self.bn, self.wm, self.wn, self.bk = (int(n) for n in numbers.split(","))
        self.vector = vector == "true"
        self.threads = 32 * (self.bm // self.wm) * (self.bn // self.wn)

    @property
    def name(self):
        return "%dx%d" % (self.bm, self.bn)

    def packs(self, extent, strided=False):
        """One pass over an operand's packs of 16 bytes."""
        return Role(self.part, extent * self.bk * self.element / 16 / self.threads, None, strided)

    def main(self, transformed, strided):
        """The pipeline: stages filled ahead, then steps that change, fill and multiply."""
        fills = [self.packs(self.bm, strided), self.packs(self.bn)]
        changes = [fill for fill, changed in zip(fills, transformed) if changed and self.vector]
        return [(Role("before" if self.part == "k_step" else "range", STAGES - 1),
                 [(SKIP, ())] * 2),
                (Role(self.part), [(role, ()) for role in changes + fills])]

    def tile(self, lines_a, lines_b, copies):
        """lines_*: (lines, elements of a line) of the two operands, padded by 16 bytes."""
        pad = 16 // self.element
        elements = copies * lines_a[0] * (lines_a[1] + pad) + lines_b[0] * (lines_b[1] + pad)
        return Tile(self.part, self.bm, self.bn, self.wm, self.wn, self.bk,
                    STAGES * elements * self.element)


def tables(part, transform, turns):
    """Filling the tables of a transform, whose loop exists as it is and unrolled by four."""
    return [] if transform == "plain" else [(Role(part, t) if t else SKIP, ()) for t in turns]


class Pixels(Gemm):
    def __init__(self, match):
        arithmetic, numbers, direction, vector, transform, epilogue = match.groups()
        super().__init__("k_step", arithmetic, numbers, vector)
        self.forward = direction == "0"
        self.transform, self.epilogue = TRANSFORMS[transform], EPILOGUES[epilogue]

    def loops(self):
        decode = [(Role("before", self.bm / self.threads), ()), (SKIP, ())]
        combine = FOUR_SKIPPED if self.epilogue in ("statistics", "norm_gradient") else []
        return (decode + tables("table", self.transform, (1, 0)) +
                self.main((self.transform != "plain", False), not self.forward and self.vector) +
                combine)

    def operands(self):
        filter_lines = (self.bn, self.bk) if self.forward else (self.bk, self.bn)
        copies = COPIES[self.transform] if self.vector else 1
        return self.tile((self.bm, self.bk), filter_lines, copies)


class Weights(Gemm):
    def __init__(self, match):
        arithmetic, numbers, vector, gradient, patch = match.groups()
        super().__init__("range_step", arithmetic, numbers, vector)
        self.gradient, self.patch = TRANSFORMS[gradient], TRANSFORMS[patch]

    def loops(self, turns=(1, 0)):
        return (tables("gradient_table", self.gradient, turns) +
                tables("patch_table", self.patch, turns) +
                self.main((self.gradient != "plain", self.patch != "plain"), False))

    def operands(self):
        return self.tile((self.bk, self.bm), (self.bk, self.bn),
                         COPIES[self.gradient] if self.vector else 1)


def loads(gemm):
    return "vector" if gemm.vector else "scalar"


def product(name):
    """A convolution kernel, or None."""
    pixels, weights = PIXEL.search(name), WGRAD.search(name)
    if any(m and m.group(1) not in ARITHMETIC for m in (pixels, weights)):
        return None  # strict f32 has no products to check the counts against
    if pixels and weights:
        data, of_weights = Pixels(pixels), Weights(weights)
        # The walk over ranges has its own copy of the tables' loops, without the single one.
        walk = (Role("range"), of_weights.loops((0.25,)))
        key = ("backward", data.dtype, data.name + "+" + of_weights.name, loads(data),
               of_weights.gradient + "+" + of_weights.patch, data.epilogue)
        return Kernel("/".join(key), data.threads, "before", data.loops() + [walk],
                      (data.operands(), of_weights.operands()))
    if pixels:
        data = Pixels(pixels)
        key = ("forward" if data.forward else "dgrad", data.dtype, data.name, loads(data),
               data.transform, data.epilogue)
        return Kernel("/".join(key), data.threads, "before", data.loops(), (data.operands(),))
    if weights:
        data = Weights(weights)
        key = ("wgrad", data.dtype, data.name, loads(data), data.gradient + "+" + data.patch)
        return Kernel("/".join(key), data.threads, "range", data.loops(), (data.operands(),))
    return None


# Windows of a pool, in the code of one kernel: rows of a window, whose taps are unrolled by four
# with a rest of up to three, which is all that small windows have.
WINDOW = (Role("window_row", 1, ("tap", 1 / 3)), [(SKIP, ())])
OTHER_WINDOW = (SKIP, [(SKIP, ())])
# for_each_pack has its body twice, with 32-bit and with 64-bit division; both are in one loop.
BOTH_BODIES = Role("item", 0.5)
ITEM, QUARTER, SIXTEENTH = Role("item"), Role("item", 1 / 4), Role("tap", 1 / 16)
SMALL = [
    (r"for_each_pack<(MaxForward|AverageForward)<bf16> ?>", "each/bf16/{}", "thread",
     [(BOTH_BODIES, [WINDOW, OTHER_WINDOW])]),
    (r"for_each_pack<(GlobalAverageForward)<bf16> ?>", "each/bf16/{}", "thread",
     [(ITEM, [(SIXTEENTH, ()), (SKIP, ())]), (SKIP, [(SKIP, ())] * 2)]),
    (r"for_each_pack<(SumRanges)>", "each/f32/{}", "thread",
     [(ITEM, [(SIXTEENTH, ()), (SKIP, ())]), (SKIP, [(SKIP, ())] * 2), (SKIP, [(SKIP, ())])]),
    (r"norm_gradient_chunk<bf16, (MaxSource)<", "chunks/bf16/{}", "thread",
     [(ITEM, [WINDOW])] + FOUR_SKIPPED),
    (r"norm_gradient_chunk<bf16, (AverageSource)<", "chunks/bf16/{}", "thread",
     [(ITEM, [WINDOW, OTHER_WINDOW])] + FOUR_SKIPPED),
    (r"norm_gradient_chunk<bf16, (GlobalAverageSource)<", "chunks/bf16/{}", "thread",
     [(ITEM, ()), (SKIP, ())] + FOUR_SKIPPED),
    (r"(chunk_moments)<bf16, ", "chunks/bf16/{}", "thread",
     [(QUARTER, ()), (QUARTER, ())] + FOUR_SKIPPED),
    # The search for the parameter, then without momentum, with and without a rounded copy, each as
    # it is and by four, and the same with momentum.
    (r"update<(Sgd), ", "update/f32/{}", "thread",
     [(Role("thread", 8), ())] + [(SKIP, ())] * 5 + [(QUARTER, ())] + [(SKIP, ())] * 2),
]
SMALL_THREADS = 256


def kernel_of(demangled):
    """The description of a kernel, or None for one that this table does not know."""
    name = SCOPE.sub("", demangled)
    found = product(name)
    if found:
        return found
    for pattern, key, outside, loops in SMALL:
        match = re.search(pattern, name)
        if match:
            return Kernel(key.format(match.group(1)), SMALL_THREADS, outside, loops)
    return None
