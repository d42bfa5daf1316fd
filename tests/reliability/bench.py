# SPDX-License-Identifier: Apache-2.0
"""What all trials share: the program, its spec, the run that nothing happened to."""
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import faults
import run_folder
from run_folder import Failure, expect

# 10 epochs of 5 steps, 0.1 s in all.
EPOCHS = 10
STEPS = 50
SPEC = {
    "name": "tiny",
    "model": {"blocks": [2, 2], "growth_rate": 6, "dropout": 0.1, "num_classes": 4,
              "stem": {"channels": 8, "kernel": 3, "stride": 1, "norm_relu": False,
                       "max_pool": False}},
    "data": {"dataset": "synthetic", "synthetic": {"image_size": 8, "channels": 2,
             "train_images": 70, "test_images": 33}},
    "training": {"epochs": EPOCHS, "batch_size": 16, "eval_batch_size": 20, "seed": 3,
                 "optimizer": {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 1e-4},
                 "schedule": {"type": "cosine"}},
    "checkpoint": {"best": "test_acc", "keep": run_folder.KEEP},
}
TIMEOUT = 60  # of one run: 500 times what it takes


@dataclasses.dataclass
class Ended:
    """A process that has ended; `code` is negative for a signal."""
    code: int
    stdout: str
    stderr: str

    def __str__(self):
        return f"exit {self.code}, stdout {self.stdout!r}, stderr {self.stderr!r}"


class Bench:
    """Starts the program; `prepare` runs it undisturbed first."""

    def __init__(self, train, inject, work):
        self.train = str(pathlib.Path(train).resolve())
        self.inject = str(pathlib.Path(inject).resolve())
        self.work = pathlib.Path(work).resolve()
        self.spec = self.work / "tiny.json"
        self.reference = self.work / "reference"
        self.calls = []
        self.seconds = 0.0

    def prepare(self):
        self.spec.write_text(json.dumps(SPEC, indent=1))
        again = self.work / "reference_again"
        log = self.work / "reference.log"
        for old in (self.reference, again):
            shutil.rmtree(old, ignore_errors=True)
        log.unlink(missing_ok=True)
        counted = faults.environment(self.inject, again, log)
        self.seconds = min(self.run_reference(self.reference), self.run_reference(again, counted))
        self.calls = faults.read_log(log)
        run_folder.compare(self.reference, again)

    def run_reference(self, output, environment=None):
        """The seconds it took."""
        began = time.monotonic()
        ended = finished(self.start(self.command(output), environment))
        expect(ended.code == 0, f"a run that nothing happened to: {ended}")
        expect(output.is_dir(), f"a run that nothing happened to left no {output}")
        return time.monotonic() - began

    def command(self, output, *more, resume=True):
        """Two threads: numbers do not depend on them, and kills meet more than one."""
        return [self.train, str(self.spec), "-q", "--device", "cpu", "--threads", "2",
                *(["--output", str(output)] if output else []),
                *(["--resume", "auto"] if output and resume else []), *map(str, more)]

    def start(self, command, environment=None, cwd=None):
        """In a session of its own: what is to end ends with all that it started."""
        return subprocess.Popen(command, cwd=cwd or self.work, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                errors="replace", start_new_session=True,
                                env={**os.environ, "TZ": "UTC", **(environment or {})})


def finished(process, timeout=TIMEOUT):
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        end(process)
        raise Failure(f"still running after {timeout} s") from None
    return Ended(process.returncode, stdout, stderr)


def end(process):
    """Kills a process and what it has started, if it lives."""
    if process.poll() is None:
        os.killpg(process.pid, 9)
        process.communicate()


def expect_refusal(ended):
    """Exit code 1 and one line that says why."""
    expect(ended.code == 1, f"should have failed with 1: {ended}")
    expect(re.fullmatch(r"train: [^\n]+\n", ended.stderr), f"should say why in one line: {ended}")
