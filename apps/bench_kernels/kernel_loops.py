# SPDX-License-Identifier: Apache-2.0
"""How kernel_table.py and band_table.py describe a kernel."""
from collections import namedtuple

SKIP = None  # inner loops that are not counted: a copy of them elsewhere stands for them

Loop = namedtuple("Loop", "part unit times inner copies asides around",
                  defaults=({}, 1.0, (), None, (), None))
Loop.__doc__ = """part: None if the loop is not counted, nor what is inside.
unit: kind -> instructions of one unit of work; {}: a turn is a unit.
times: units of one thread for each unit of the loop around it.
copies: the code may have the loop again, unrolled or for other sizes, anywhere; counted is the copy
with the fewest units a turn ("short") or with the most ("long").
asides: (part, unit) of blocks that a turn may go around. Where there are several with the same
unit, such as one for full and one for broken rows, the shortest counts; of part None, none does.
around: parts of what lies outside of loops before this one, and behind it."""
OTHERS = Loop(None)  # behind a kernel's loops: whatever fits none of them is not counted

Kernel = namedtuple("Kernel", "key threads outside loops tiles", defaults=((),))
Kernel.__doc__ = """outside: part of what lies outside of loops, where no loop says `around`."""
Tile = namedtuple("Tile", "part rows columns depth stage_bytes", defaults=(0,))
Tile.__doc__ = """Results of a block, elements that a unit of `part` goes through, bytes of shared
memory of the stages, where these do not depend on the problem."""
