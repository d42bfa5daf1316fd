# SPDX-License-Identifier: Apache-2.0
"""What a GPU can do per second. The numbers that nobody has measured are marked as assumed; a file
of measured ones takes their place (predict.py --rates)."""
import json

from command_line import Refusal

# What both have in common. Per clock means per clock of one multiprocessor.
COMMON = {
    "sms": 132,
    "clock_hz": 1.755e9,
    "issue_slots_per_clock": 4,
    # Share of the slots that are used, by resident warps of a multiprocessor. Between these it is
    # interpolated, with none at 0 warps; it is not taken to grow beyond the last one.
    "issue_efficiency": {"8": 0.35, "16": 0.55},
    "mma_flop_per_clock": 2560,     # m16n8k16 in bf16: 0.625 of them
    "wgmma_flop_per_clock": 4096,
    "shared_bytes_per_clock": 128,
    "l2_bytes_per_second": 6.0e12,
    "launch_seconds": 2.8e-6,       # of a kernel in a CUDA graph, beside its own time
}
# Memory: reading and writing together, as others' copies reach it.
GPUS = {
    "h100": {"name": "H100", **COMMON, "dram_bytes_per_second": 3.0e12},
    "h200": {"name": "H200", **COMMON, "dram_bytes_per_second": 4.3e12},
}
# Not measured by this project's own kernels.
ASSUMED = ("issue_efficiency", "wgmma_flop_per_clock", "l2_bytes_per_second", "launch_seconds",
           "dram_bytes_per_second")


class WrongRates(Refusal):
    pass


class Rates:
    def __init__(self, numbers, assumed):
        self.numbers = numbers
        self.assumed = assumed      # names of what is not measured
        self.efficiency = sorted((float(warps), share)
                                 for warps, share in numbers["issue_efficiency"].items())

    def __getitem__(self, name):
        return self.numbers[name]

    def slots(self, warps=None):
        """Instructions of all multiprocessors per second; at best where `warps` is left out."""
        per_clock = self["sms"] * self["issue_slots_per_clock"] * self["clock_hz"]
        return per_clock if warps is None else per_clock * self.issue_share(warps)

    def issue_share(self, warps):
        below = (0.0, 0.0)
        for point in self.efficiency:
            if warps <= point[0]:
                part = (warps - below[0]) / (point[0] - below[0])
                return below[1] + part * (point[1] - below[1])
            below = point
        return below[1]


def read_object(path):
    try:
        with open(path, encoding="utf-8") as file:
            numbers = json.load(file)
    except (OSError, ValueError) as error:
        raise WrongRates("cannot read %s: %s" % (path, error)) from error
    if not isinstance(numbers, dict):
        raise WrongRates("%s holds no JSON object" % path)
    unknown = sorted(set(numbers) - set(GPUS["h100"]))
    if unknown:
        raise WrongRates("%s: there is no rate '%s'; there are %s" %
                         (path, unknown[0], ", ".join(sorted(GPUS["h100"]))))
    return numbers


def rates_of(gpu, path=None):
    """gpu: a key of GPUS, or a file like one of its entries that may leave out what they have in
    common. path: a file of measured rates."""
    given = {} if gpu in GPUS else read_object(gpu)
    base = GPUS[gpu] if gpu in GPUS else {"name": gpu, **COMMON, **given}
    if "dram_bytes_per_second" not in base:
        raise WrongRates("%s does not say dram_bytes_per_second" % gpu)
    measured = read_object(path) if path else {}
    numbers = {**base, **measured}
    for name, value in numbers.items():
        check(name, value)
    known = set(given) | set(measured)  # whoever writes a file says what is so
    return Rates(numbers, [name for name in ASSUMED if name not in known])


def check(name, value):
    values = list(value.values()) if isinstance(value, dict) else [value]
    numeric = all(isinstance(v, (int, float)) and v > 0 for v in values)
    if name != "name" and (not numeric or isinstance(value, dict) != (name == "issue_efficiency")
                           or not values):
        raise WrongRates("the rate %s is %r, which is no positive number%s" %
                         (name, value, " per number of warps"
                          if name == "issue_efficiency" else ""))
