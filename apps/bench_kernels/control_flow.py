# SPDX-License-Identifier: Apache-2.0
"""Basic blocks and loops of one function of machine code.

A loop is found as in a compiler: an edge back to a block that dominates where it comes from. Going
by addresses alone would take for loops the jumps back from code that was moved out of line, which
is where compilers put what they think is rare.

Rare in these kernels means: 64-bit divisions. The compiler puts a 32-bit division beside each and
decides at run time; no tensor here has 2^32 rows, so that what such a call needs is never issued.
Blocks with a call that are not on every path are therefore `rare` and counted apart."""
from collections import Counter

from sass import MalformedCode

ENDS = {"EXIT", "RET", "KILL", "BPT"}
BRANCHES = {"BRA", "JMP", "UBRA"}


class Block:
    def __init__(self, instructions):
        self.instructions = instructions
        self.start = instructions[0].address
        self.successors = []
        self.predecessors = []
        self.calls = []
        self.rare = False


class Loop:
    def __init__(self, header, blocks):
        self.header = header
        self.blocks = blocks        # with those of inner loops
        self.inner = []             # in the order of the code
        self.depth = 0

    def own_blocks(self):
        inside = set().union(*(loop.blocks for loop in self.inner)) if self.inner else set()
        return [block for block in self.blocks - inside if not block.rare]

    def own(self):
        """Counter of kinds for one turn, without inner loops."""
        return count(self.own_blocks())


def count(blocks):
    return Counter(i.kind for block in blocks for i in block.instructions)


class Flow:
    """Blocks, loops and what lies outside of loops, of the code reached from the entry."""

    def __init__(self, name, instructions):
        self.name = name
        blocks = cut(name, instructions)
        self.blocks = reached(blocks[0])
        for block in self.blocks:
            block.predecessors = [p for p in block.predecessors if p in self.blocks]
        order = sorted(self.blocks, key=lambda block: block.start)
        self.dominators = dominators(order[0], order)
        self.mark_rare(order)
        self.loops = self.nest(order)

    def outside(self):
        """Blocks outside of all loops."""
        inside = set().union(*(loop.blocks for loop in self.loops)) if self.loops else set()
        return [b for b in sorted(self.blocks - inside, key=lambda b: b.start) if not b.rare]

    def optional(self, loop):
        """Own blocks of a loop that a turn may go around."""
        latches = [b for b in loop.blocks if loop.header in b.successors]
        return {b for b in loop.own_blocks()
                if any(b not in self.dominators[latch] for latch in latches)}

    def asides(self, loop):
        """Those blocks in groups that are connected, in the order of the code."""
        left, groups = self.optional(loop), []
        while left:
            group = connected(min(left, key=lambda b: b.start), left)
            left -= group
            groups.append(group)
        return groups

    def tickets(self):
        """Blocks that draw a ticket from an atomic counter, in the order of the code."""
        return sorted((b for b in self.blocks if any(i.kind == "atomic" for i in b.instructions)),
                      key=lambda b: b.start)

    def behind_tickets(self):
        """What only the last of many blocks does: everything behind the barrier at which it learns
        from its ticket that it is the last one."""
        late = set()
        for drawing in self.tickets():
            if drawing not in late:
                late |= self.behind(drawing)
        return late

    def behind(self, drawing):
        barriers = {b for p in self.blocks if drawing in self.dominators[p]
                    for b in p.successors if drawing not in self.dominators[b]}
        if len(barriers) != 1:
            raise MalformedCode("function %s: no barrier for all follows the atomic at %#x" %
                                (self.name, drawing.start))
        return set().union(*(reached(b) for b in barriers.pop().successors))

    def mark_rare(self, order):
        leaving = [b for b in order if not b.successors]
        for block in order:
            if block.calls and any(block not in self.dominators[end] for end in leaving):
                block.rare = self.is_optional(block)
        for block in order:
            if block.predecessors and all(p.rare for p in block.predecessors):
                block.rare = True

    @staticmethod
    def is_optional(block):
        """Whether there is a way around: all who lead here could have gone elsewhere."""
        return bool(block.predecessors) and all(len(p.successors) > 1 for p in block.predecessors)

    def nest(self, order):
        members = {}
        for block in order:
            for header in block.successors:
                if header in self.dominators[block]:
                    members.setdefault(header, set()).update(loop_body(header, block))
        loops = sorted((Loop(header, blocks) for header, blocks in members.items()),
                       key=lambda loop: len(loop.blocks))
        outer = []
        for i, loop in enumerate(loops):
            parent = next((l for l in loops[i + 1:] if loop.header in l.blocks), None)
            (parent.inner if parent else outer).append(loop)
        return in_order(outer, 0)


def in_order(loops, depth):
    loops.sort(key=lambda loop: loop.header.start)
    for loop in loops:
        loop.depth = depth
        in_order(loop.inner, depth + 1)
    return loops


def cut(name, instructions):
    """All blocks, linked; a call goes on behind itself."""
    known = {i.address for i in instructions}
    leaders = {instructions[0].address}
    for here, behind in zip(instructions, instructions[1:] + [None]):
        if here.name in BRANCHES or here.name in ENDS or here.name == "CALL":
            if here.name in BRANCHES or here.name == "CALL":
                target = here.target()
                if here.name in BRANCHES and target not in known:
                    raise MalformedCode("function %s: the branch at %#x leads nowhere" %
                                        (name, here.address))
                leaders.add(target)
            if behind is not None:
                leaders.add(behind.address)
    blocks, part = [], []
    for instruction in instructions:
        if instruction.address in leaders and part:
            blocks.append(Block(part))
            part = []
        part.append(instruction)
    blocks.append(Block(part))
    link(blocks)
    return blocks


def link(blocks):
    at = {block.start: block for block in blocks}
    for block, behind in zip(blocks, blocks[1:] + [None]):
        last = block.instructions[-1]
        goes_on = last.name not in ENDS or last.guard is not None
        if last.name in BRANCHES:
            # An operand in front of the target is a second condition: "BRA P1, `(.L_x)".
            conditional = last.guard is not None or ("," in last.operands) or ".DIV" in last.opcode
            goes_on = conditional
            connect(block, at[last.target()])
        elif last.name == "CALL" and last.target() in at:
            block.calls.append(at[last.target()])
        if goes_on and behind is not None:
            connect(block, behind)


def connect(block, successor):
    if successor not in block.successors:
        block.successors.append(successor)
        successor.predecessors.append(block)


def reached(entry):
    found, waiting = {entry}, [entry]
    while waiting:
        for block in waiting.pop().successors:
            if block not in found:
                found.add(block)
                waiting.append(block)
    return found


def connected(start, blocks):
    """Those of the blocks that jumps among them connect with one."""
    found, waiting = {start}, [start]
    while waiting:
        block = waiting.pop()
        near = {*block.successors, *block.predecessors} & blocks - found
        found |= near
        waiting.extend(near)
    return found


def dominators(entry, order):
    everything = set(order)
    result = {block: everything for block in order}
    result[entry] = {entry}
    changed = True
    while changed:
        changed = False
        for block in order:
            if block is entry:
                continue
            common = set.intersection(*(result[p] for p in block.predecessors)) | {block}
            if common != result[block]:
                result[block] = common
                changed = True
    return result


def loop_body(header, latch):
    body, waiting = {header}, [latch]
    while waiting:
        block = waiting.pop()
        if block not in body:
            body.add(block)
            waiting.extend(block.predecessors)
    return body
