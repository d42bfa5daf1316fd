# SPDX-License-Identifier: Apache-2.0
"""What a launch has to do, and the extents of a convolution."""
from collections import namedtuple

Work = namedtuple("Work", "family blocks parts")
Work.__doc__ = "Blocks of one role and how much of each part one of them has."
Call = namedtuple("Call", "kernel works dynamic_bytes bytes idle", defaults=(0, 0, 0))
Call.__doc__ = """A launch. kernel: key of its budget, None where only bytes count. works: one, or
two of a launch with two roles, of which the second walks. bytes: that memory moves if no cache
helps. idle: blocks that have nothing to do."""


def tiles(extent, size):
    return -(-extent // size)


class Problem:
    """Extents of a convolution."""

    def __init__(self, x, weight, y):
        self.x, self.weight, self.y = x, weight, y
        self.taps = weight.h * weight.w
        self.columns = self.taps * x.c
        self.filter = "%dx%d" % (weight.h, weight.w)
        # Strides and padding are not in the graph; padding keeps the size where it can.
        self.strided = x.h > 1 and y.h <= tiles(x.h, 2)
        self.side = 0 if self.strided else {"1x1": 1, "3x3": 3}.get(self.filter, 0)

    def family(self, kind, norm):
        if self.x.kind == "input":
            return "stem"
        if not norm and self.taps == 1 and not self.strided:
            return "transition"
        return "%s %s" % (kind, self.filter)
