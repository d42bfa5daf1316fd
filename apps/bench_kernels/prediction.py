# SPDX-License-Identifier: Apache-2.0
"""Time of a step from its launches, their machine code and the rates of a GPU.

A launch takes the longest of what it needs from each of five resources, and the time to launch it:
  issue    instructions over the slots in which a multiprocessor can issue one; how many of these
           are used depends on how many warps are resident to choose from
  tensor   products over what tensor cores can do
  shared   accesses to shared memory, without bank conflicts, over its width
  L2       what convolutions load and store, without what hits in L1: their f32 vectors
  memory   every tensor once
The first three wait for the multiprocessor that is done last: blocks take turns at as many places as
there is room for, and those of a launch's second role (plan/backward_roles.h) start first."""
import re
from collections import defaultdict

from sass_budget import blocks_per_sm

LANES = 32
RESOURCES = ("issue", "tensor", "shared", "L2", "memory")
SHARED_BY_ALL = ("L2", "memory")  # by multiprocessors, which need not be done at the same time
ACCESS = re.compile(r"(load|store)_(global|shared)_(\d+)$")
MMA = re.compile(r"(mma|wgmma)_(\d+)x(\d+)x(\d+)$")
MATRIX_BYTES, COPY_BYTES = 128, 16
ROUNDS = 40  # of a search that halves


def weighed(kernel, work):
    """kind -> instructions of one warp of the work's blocks."""
    sums = defaultdict(float)
    for part, times in work.parts.items():
        for kind, number in kernel["instructions"].get(part, {}).items():
            sums[kind] += number * times
    return sums


class Demand:
    """What one block of a role asks of its multiprocessor."""

    def __init__(self, kernel, work):
        warps = kernel["threads"] // LANES
        kinds = weighed(kernel, work)
        self.instructions = kinds.pop("all", 0.0) * warps
        self.flop = {"mma": 0.0, "wgmma": 0.0}
        self.shared_bytes = self.l2_bytes = 0.0
        convolution = "tiles" in kernel
        for kind, number in kinds.items():
            self.add(kind, number * warps, convolution)

    def add(self, kind, number, convolution):
        product, access = MMA.match(kind), ACCESS.match(kind)
        if product:
            m, n, k = (int(x) for x in product.groups()[1:])
            self.flop[product.group(1)] += number * 2 * m * n * k
        elif kind.startswith("matrix_x"):
            self.shared_bytes += number * MATRIX_BYTES * int(kind[len("matrix_x"):])
        elif kind == "copy_async":
            self.shared_bytes += number * LANES * COPY_BYTES
            self.l2_bytes += number * LANES * COPY_BYTES
        elif access:
            # A narrow access to shared memory takes a turn of all banks, too.
            size = int(access.group(3)) / 8 * LANES
            if access.group(2) == "shared":
                self.shared_bytes += number * max(size, 4 * LANES)
            elif convolution and kind != "load_global_32":
                self.l2_bytes += number * size


class Timed:
    """A launch with its seconds by resource, at best and as predicted."""

    def __init__(self, call, budget, rates):
        self.call = call
        self.launch = rates["launch_seconds"]
        self.demands, self.tail = [], 1.0
        self.slots = rates.slots()
        if call.kernel is not None:
            self.compute(budget["kernels"][call.kernel], rates)
        self.instructions = sum(d.instructions * w.blocks for d, w in self.each_role())
        self.memory = call.bytes / rates["dram_bytes_per_second"]
        self.bests = [self.best_of(work, i, rates) for i, work in enumerate(call.works)]
        self.best = {name: sum(best[name] for best in self.bests) for name in RESOURCES}
        self.uneven = {name: seconds * (1 if name in SHARED_BY_ALL else self.tail)
                       for name, seconds in self.best.items()}
        self.expected = {**self.uneven, "issue": self.uneven["issue"] * rates.slots() / self.slots}
        self.binds = max(RESOURCES, key=lambda name: self.expected[name])

    def each_role(self):
        return list(zip(self.demands, self.call.works))

    def compute(self, kernel, rates):
        works = self.call.works
        self.demands = [Demand(kernel, work) for work in works]
        totals = [d.instructions * w.blocks for d, w in self.each_role()]
        resident = self.resident(kernel, rates["sms"])
        self.tail = uneven(works, totals, resident * rates["sms"])
        self.slots = rates.slots(resident * kernel["threads"] // LANES)

    def share(self, i):
        """Of the launch, that a role takes."""
        demand, work = (self.each_role() or [(None, None)])[i]
        return demand.instructions * work.blocks / self.instructions if demand else 1.0

    def best_of(self, work, i, rates):
        best = dict.fromkeys(RESOURCES, 0.0)
        best["memory"] = self.memory * self.share(i)
        if self.demands:
            demand, clock = self.demands[i], rates["sms"] * rates["clock_hz"]
            best["issue"] = work.blocks * demand.instructions / rates.slots()
            best["tensor"] = work.blocks / clock * sum(
                flop / rates[unit + "_flop_per_clock"] for unit, flop in demand.flop.items())
            best["shared"] = (work.blocks / clock * demand.shared_bytes /
                              rates["shared_bytes_per_clock"])
            best["L2"] = work.blocks * demand.l2_bytes / rates["l2_bytes_per_second"]
        return best

    def resident(self, kernel, sms):
        """Blocks of the multiprocessor with the most of them."""
        shared = kernel["static_shared_bytes"] + self.call.dynamic_bytes
        room = max(1, blocks_per_sm(kernel["threads"], kernel["registers"], shared))
        return min(room, -(-sum(work.blocks for work in self.call.works) // sms))

    def seconds(self):
        return max(self.expected.values()) + self.launch

    def at_ceiling(self, share):
        """With every resource at this share of its ceiling: if all multiprocessors were done at the
        same time, and as they are."""
        return [max(seconds.values()) / share + self.launch for seconds in (self.best, self.uneven)]


def uneven(works, totals, places):
    """How much longer the blocks of a launch take, in so many places, than they would if all places
    were done at the same time. totals: instructions of each work. Those of a second one start
    first, side by side with others."""
    blocks = [work.blocks for work in works]
    if len(works) == 1:
        return -(-blocks[0] // places) * places / blocks[0]
    tile, walk = (total / count for total, count in zip(totals, blocks))
    walking = min(blocks[1], places)

    def done(time):
        later = max(0.0, time - walk * blocks[1] / walking)
        return (places - walking) * int(time / tile) + walking * int(later / tile)

    # Everything ends with a tile, or with those that walk.
    low, high = sum(totals) / places, sum(totals)
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        low, high = (low, middle) if done(middle) >= blocks[0] else (middle, high)
    return max(high, walk * blocks[1] / walking) * places / sum(totals)


class Family:
    """Launches that do the same, added up."""

    def __init__(self, name):
        self.name = name
        self.launches = self.instructions = self.seconds = self.launch_seconds = 0.0
        self.best = dict.fromkeys(RESOURCES, 0.0)
        self.by_resource = defaultdict(float)

    def add(self, timed, role):
        share = timed.share(role)
        # A launch with two roles is one of either: half of it counts for each.
        self.launches += 1 / len(timed.call.works)
        self.instructions += timed.instructions * share
        self.seconds += timed.seconds() * share
        self.launch_seconds += timed.launch * share
        self.by_resource[timed.binds] += max(timed.expected.values()) * share
        for name, seconds in timed.bests[role].items():
            self.best[name] += seconds

    def binds(self):
        """The resource, or the launches, that most of the time goes to."""
        name, seconds = max(self.by_resource.items(), key=lambda row: row[1])
        return "launches" if self.launch_seconds > seconds else name


class Prediction:
    def __init__(self, calls, budget, rates, graph):
        timed = [Timed(call, budget, rates) for call in calls]
        families = {}
        for launch in timed:
            for role, work in enumerate(launch.call.works):
                families.setdefault(work.family, Family(work.family)).add(launch, role)
        self.families = sorted(families.values(), key=lambda family: -family.seconds)
        self.launches = len(timed)
        self.batch = graph.batch
        self.seconds = sum(launch.seconds() for launch in timed)
        self.issue_seconds = sum(launch.best["issue"] for launch in timed)
        self.at_ceiling, self.uneven = (
            {share: sum(launch.at_ceiling(share)[i] for launch in timed)
             for share in (1.0, 0.7, 0.5)} for i in (0, 1))
        self.bytes = graph.bytes
        self.byte_seconds = graph.bytes / rates["dram_bytes_per_second"]

    def rate(self, seconds=None):
        return self.batch / (seconds or self.seconds)
