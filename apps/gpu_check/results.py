# SPDX-License-Identifier: Apache-2.0
"""Runs commands and keeps what came of them: a JSON line each, written at once, and the output of
each in a file of its own. What an earlier run into the same folder has passed is not run again."""
import json
import os
import shlex
import threading
from typing import NamedTuple, Optional

import command as commands

FILE = "results.jsonl"
SKIPPED_ITSELF = 77


class Failed(Exception):
    """What a command left behind is not what it should be; says why, and what is known anyway."""

    def __init__(self, reason, **facts):
        super().__init__(reason)
        self.facts = facts


class Outcome(NamedTuple):
    status: str             # passed, failed or skipped
    detail: str             # why it is not passed
    seconds: float = 0.0
    code: Optional[int] = None  # of a command that ended by itself
    last: str = ""          # line of its output

    @property
    def started(self):
        return self.status != "skipped"


def read_rows(folder):
    """The rows of a folder's results; a line that a crash cut off is no row."""
    rows = []
    with open(os.path.join(folder, FILE), encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue
    return [row for row in rows if "status" in row]


def judged(outcome, facts):
    """(status, detail, facts) of a command that was started. Facts that cannot be had fail a
    command that ended well; one that failed keeps its own reason."""
    try:
        found = facts()
    except Failed as error:
        return "failed", "; ".join(filter(None, (outcome.detail, str(error)))), error.facts
    except Exception as error:  # whatever garbage a program has left
        return "failed", outcome.detail or f"{type(error).__name__}: {error}", {}
    detail = found.pop("detail", "")
    return outcome.status, outcome.detail or detail, found


class Results:
    def __init__(self, folder, deadline, archive=None, resume=False):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.deadline = deadline
        self.archive = archive
        self.rows = []
        self.latest = {row["step"]: row for row in read_rows(folder)} if resume else {}
        self.before = {step for step, row in self.latest.items() if row["status"] == "passed"}
        self.lock = threading.RLock()  # rows of tests come from several threads
        self.file = open(os.path.join(folder, FILE), "a", encoding="utf-8")
        if resume:
            self.file.write("\n")  # a line that a crash cut off must not swallow the next one

    def path(self, name):
        return os.path.join(self.folder, name)

    def log_path(self, step):
        return self.path(step.replace(" ", "_").replace("/", "_") + ".log")

    def write(self, row):
        with self.lock:
            self.file.write(json.dumps(row) + "\n")
            self.file.flush()
            os.fsync(self.file.fileno())

    def add(self, step, status, detail="", seconds=0.0, command=None, **facts):
        """`status` is passed, failed or skipped; skipped says why in `detail`."""
        row = {"step": step, "status": status, "detail": detail, "seconds": round(seconds, 2),
               "command": command, **facts}
        with self.lock:
            self.write(row)
            self.latest[step] = row
            self.list(row)
            if self.archive:
                self.archive.write_sometimes()

    def list(self, row):
        self.rows.append(row)
        print(f"{row['status']:13} {row['seconds']:8.1f} s  {row['step']}  {row['detail']}",
              flush=True)

    def is_done(self, step):
        """Whether an earlier run passed it; then it is listed here, once."""
        with self.lock:
            if step not in self.before:
                return False
            if not any(row["step"] == step for row in self.rows):
                self.list({**self.latest[step], "status": "passed before"})
            return True

    def passed(self, step):
        """The row of a step that has passed, now or before; None otherwise."""
        row = self.latest.get(step)
        return row if row and row["status"] == "passed" else None

    def run(self, step, command, limit, environment=None):
        """The outcome of a command; no row is written."""
        refusal = self.deadline.refusal()
        if refusal:
            return Outcome("skipped", refusal)
        limit = self.deadline.cap(limit)
        code, seconds, last = commands.execute(
            command, self.log_path(step), limit, lambda: self.deadline.interrupted, environment)
        if code is None:
            reason = "interrupted" if self.deadline.interrupted else f"ran past {limit:.0f} s"
            return Outcome("failed", reason, seconds, code, last)
        detail = f"exit code {code}: {last or 'no output'}" if code else ""
        return Outcome("failed" if code else "passed", detail, seconds, code, last)

    def check(self, step, command, limit, environment=None, facts=None, may_skip=False):
        """Runs a command that must succeed; True when it did. `facts` returns what else belongs in
        the row, or raises; `may_skip`: the command may find that there is nothing for it to do."""
        if self.is_done(step):
            return True
        outcome = self.run(step, command, limit, environment)
        status, detail, found = outcome.status, outcome.detail, {}
        if outcome.code == SKIPPED_ITSELF:
            status, detail = (("skipped", outcome.last) if may_skip else
                              ("failed", "skipped itself although there is a GPU"))
        elif facts and outcome.started:
            status, detail, found = judged(outcome, facts)
        self.add(step, status, detail, outcome.seconds, shlex.join(command), **found)
        return status == "passed"

    def decide(self, step, facts):
        """A row about other rows: passed unless `facts` raises."""
        if not self.is_done(step):
            status, detail, found = judged(Outcome("passed", ""), facts)
            self.add(step, status, detail, **found)

    def skip(self, step, reason):
        if not self.is_done(step):
            self.add(step, "skipped", reason)

    def failed(self):
        return [row for row in self.rows if row["status"] == "failed"]

    def table(self):
        width = max((len(row["step"]) for row in self.rows), default=4)
        return "\n".join(f"{row['step']:{width}}  {row['status']:13}{row['seconds']:8.1f} s  "
                         f"{row['detail']}" for row in self.rows)
