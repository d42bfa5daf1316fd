# SPDX-License-Identifier: Apache-2.0
"""Time of a step from its launches, their machine code and the rates of a GPU.

A launch takes the longest of what it needs from each of five resources, and the time to launch it:
  issue    instructions over the slots in which a multiprocessor can issue one; how many of these
           are used depends on how many warps are resident to choose from
  tensor   products over what tensor cores can do
  shared   accesses to shared memory, without bank conflicts, over its width
  L2       what convolutions load and store, without what hits in L1: their f32 vectors
  memory   every tensor once
Blocks are spread evenly, so that the first three wait for the multiprocessor with the most of them.
In a launch with two roles (plan/backward_roles.h) the blocks that walk may be left alone at the
end; then each has a multiprocessor for itself, with half the warps."""
import re
from collections import defaultdict

from sass_budget import blocks_per_sm

LANES = 32
RESOURCES = ("issue", "tensor", "shared", "L2", "memory")
ACCESS = re.compile(r"(load|store)_(global|shared)_(\d+)$")
MMA = re.compile(r"(mma|wgmma)_(\d+)x(\d+)x(\d+)$")
MATRIX_BYTES, COPY_BYTES = 128, 16


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
        self.best = dict.fromkeys(RESOURCES, 0.0)
        self.best["memory"] = call.bytes / rates["dram_bytes_per_second"]
        self.expected = dict(self.best)
        self.instructions, self.shares = 0.0, {call.works[0].family: 1.0}
        self.launch = rates["launch_seconds"]
        if call.kernel is not None:
            self.compute(budget["kernels"][call.kernel], rates)
        self.binds = max(RESOURCES, key=lambda name: self.expected[name])

    def compute(self, kernel, rates):
        works = self.call.works
        demands = [Demand(kernel, work) for work in works]
        totals = [d.instructions * w.blocks for d, w in zip(demands, works)]
        self.instructions = sum(totals)
        self.shares = {w.family: t / self.instructions for w, t in zip(works, totals)}
        self.best["issue"] = self.instructions / rates.slots()
        for work, demand in zip(works, demands):
            self.add_units(work.blocks, demand, rates)
        blocks = sum(w.blocks for w in works)
        per_sm = -(-blocks // rates["sms"])
        busiest = per_sm * rates["sms"] / blocks  # over an even spread
        for name in ("tensor", "shared"):
            self.expected[name] = self.best[name] * busiest
        self.expected["L2"] = self.best["L2"]
        resident, warps = self.residence(kernel), kernel["threads"] // LANES
        if len(works) == 1:
            slots = rates.slots(min(resident, per_sm) * warps)
            self.expected["issue"] = self.instructions * busiest / slots
        else:
            self.expected["issue"] = two_roles(works, totals, rates, resident, warps)

    def add_units(self, blocks, demand, rates):
        clock = rates["sms"] * rates["clock_hz"]
        self.best["tensor"] += blocks / clock * sum(
            flop / rates[unit + "_flop_per_clock"] for unit, flop in demand.flop.items())
        self.best["shared"] += (blocks / clock * demand.shared_bytes /
                                rates["shared_bytes_per_clock"])
        self.best["L2"] += blocks * demand.l2_bytes / rates["l2_bytes_per_second"]

    def residence(self, kernel):
        shared = kernel["static_shared_bytes"] + self.call.dynamic_bytes
        return max(1, blocks_per_sm(kernel["threads"], kernel["registers"], shared))

    def seconds(self, ceiling=None):
        """As predicted, or with every resource at this share of its ceiling."""
        if ceiling is None:
            return max(self.expected.values()) + self.launch
        return max(self.best.values()) / ceiling + self.launch


def two_roles(works, totals, rates, resident, warps):
    """Seconds of issue of a launch whose second role walks, one block beside others."""
    all_slots = rates.slots(resident * warps)
    of_one = all_slots / rates["sms"] / resident  # of a block among others
    alone = rates.slots(warps) / rates["sms"]
    walk = totals[1] / works[1].blocks
    walking = min(works[1].blocks, rates["sms"] * resident)
    others = all_slots - walking * of_one
    if others > 0 and walk / of_one > totals[0] / others:
        shared_time = totals[0] / others
        return shared_time + (walk - shared_time * of_one) / alone
    return sum(totals) / all_slots


class Family:
    """Launches that do the same, added up."""

    def __init__(self, name):
        self.name = name
        self.launches = self.instructions = self.seconds = self.launch_seconds = 0.0
        self.best = dict.fromkeys(RESOURCES, 0.0)
        self.by_resource = defaultdict(float)

    def add(self, timed, share, launches):
        self.launches += launches
        self.instructions += timed.instructions * share
        self.seconds += timed.seconds() * share
        self.launch_seconds += timed.launch * share
        self.by_resource[timed.binds] += max(timed.expected.values()) * share
        for name, seconds in timed.best.items():
            self.best[name] += seconds * share

    def binds(self):
        """The resource, or the launches, that most of the time goes to."""
        name, seconds = max(self.by_resource.items(), key=lambda row: row[1])
        return "launches" if self.launch_seconds > seconds else name


class Prediction:
    def __init__(self, calls, budget, rates, graph):
        timed = [Timed(call, budget, rates) for call in calls]
        families = {}
        for launch in timed:
            # A launch with two roles is one of either: half of it counts for each.
            for name, share in launch.shares.items():
                family = families.setdefault(name, Family(name))
                family.add(launch, share, 1 / len(launch.shares))
        self.families = sorted(families.values(), key=lambda family: -family.seconds)
        self.launches = len(timed)
        self.batch = graph.batch
        self.seconds = sum(launch.seconds() for launch in timed)
        self.issue_seconds = sum(launch.best["issue"] for launch in timed)
        self.at_ceiling = {share: sum(launch.seconds(share) for launch in timed)
                           for share in (1.0, 0.7, 0.5)}
        self.bytes = graph.bytes
        self.byte_seconds = graph.bytes / rates["dram_bytes_per_second"]

    def rate(self, seconds=None):
        return self.batch / (seconds or self.seconds)
