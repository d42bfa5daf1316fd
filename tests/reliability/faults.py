# SPDX-License-Identifier: Apache-2.0
"""Faults that the preloaded library injects, and the log of the calls it saw."""
import collections
import dataclasses
import os
import re

CALLS = ["write", "fsync", "rename", "truncate", "unlink", "link", "open", "flock", "mkdir"]
ERRORS = ["ENOSPC", "EIO", "EDQUOT"]

LoggedCall = collections.namedtuple("LoggedCall", "name n action path")


@dataclasses.dataclass(frozen=True)
class Fault:
    call: str
    n: int
    action: str
    forever: bool = False

    def __str__(self):
        return f"{self.call}:{self.n}:{self.action}" + (":forever" if self.forever else "")


def environment(inject, folder, log, fault=None):
    """Variables with which a process counts its calls in a folder and may suffer a fault."""
    variables = {"LD_PRELOAD": inject, "ACCRETE_FAULT_FOLDER": str(folder),
                 "ACCRETE_FAULT_LOG": str(log)}
    if fault:
        variables["ACCRETE_FAULT"] = str(fault)
    return variables


def clock_environment(inject, seconds):
    """Variables with which a process believes that it starts so long after 1970 began."""
    return {"LD_PRELOAD": inject, "ACCRETE_FAULT_CLOCK": str(seconds)}


def read_log(path):
    """The calls of a process in their order; a path may hold blanks."""
    lines = path.read_text().splitlines() if path.exists() else []
    fields = (line.split(" ", 3) for line in lines)
    return [LoggedCall(name, int(n), action, where) for name, n, action, where in fields]


def fired(calls):
    return [call for call in calls if call.action != "-"]


def kind_of_file(path):
    """The same for all checkpoints."""
    return re.sub(r"\d+", "N", os.path.basename(path))


def draw(random, calls, names, action, forever=False):
    """A fault at one of the calls; None if there is none of these names.

    Names are equally likely, and of a name kinds of files: checkpoints have most of the writes.
    """
    calls = [call for call in calls if call.name in names]
    for key in (lambda call: call.name, lambda call: kind_of_file(call.path), lambda call: call.n):
        if not calls:
            return None
        chosen = random.choice(sorted({key(call) for call in calls}))
        calls = [call for call in calls if key(call) == chosen]
    return Fault(calls[0].name, calls[0].n, action, forever)
