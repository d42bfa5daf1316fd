# SPDX-License-Identifier: Apache-2.0
"""One trial of a scenario: its folder, its random numbers, the commands that it ran."""
import os
import random
import shlex
import shutil

import faults
import run_folder
from bench import end, finished
from run_folder import expect

SCENARIOS = {}


def scenario(needs=None):
    """Registers a function from a Trial to a word for what happened; it raises Failure.

    `needs` returns, for a Bench, why this machine cannot do it, or "".
    """
    def register(function):
        function.needs = needs or (lambda bench: "")
        SCENARIOS[function.__name__] = function
        return function
    return register


class Trial:
    def __init__(self, bench, name, seed, index):
        self.bench = bench
        self.name = name
        self.index = index
        self.random = random.Random(f"{seed} {name} {index}")
        self.folder = bench.work / f"{name}-{seed}-{index}"
        self.output = self.folder / "run"
        self.commands = []
        self.logs = 0
        self.started = []

    def perform(self):
        """The scenario's word. Nothing that it started outlives it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        try:
            return SCENARIOS[self.name](self)
        finally:
            for process in self.started:
                end(process)

    def start(self, command, environment=None, cwd=None):
        variables = [f"{name}={value}" for name, value in (environment or {}).items()]
        self.commands.append(shlex.join(["env", *variables, *command] if variables else command))
        self.started.append(self.bench.start(command, environment, cwd))
        return self.started[-1]

    def train(self, *more, environment=None, output=None, wrap=()):
        """Runs the program to its end."""
        command = [*wrap, *self.bench.command(output or self.output, *more)]
        return finished(self.start(command, environment))

    def train_with(self, fault, output=None):
        """Runs the program with a fault, or just counting; returns how it ended and its calls."""
        output = output or self.output
        self.logs += 1
        log = self.folder / f"calls-{self.logs}.log"
        ended = self.train(environment=faults.environment(self.bench.inject, output, log, fault),
                           output=output)
        calls = faults.read_log(log)
        expect(fault is None or faults.fired(calls), f"{fault} did not happen: {ended}")
        return ended, calls

    def calls_of_next(self):
        """What going on would call now, found out on a copy."""
        copy = self.folder / "copy"
        if self.output.exists():
            run_folder.copy(self.output, copy)
        ended, calls = self.train_with(None, copy)
        expect(ended.code == 0, f"going on: {ended}")
        shutil.rmtree(copy)
        return calls

    def draw(self, names, action, calls=None, forever=False):
        calls = self.bench.calls if calls is None else calls
        fault = faults.draw(self.random, calls, names, action, forever)
        expect(fault, f"the program makes no call of {', '.join(names)} in its folder")
        return fault

    def stop_halfway(self, first=1):
        """Leaves a run that was told to stop behind one of its steps."""
        steps = self.random.randint(first, 49)
        ended = self.train("--stop-after", steps)
        expect(ended.code == 0 or ended.code > 128, f"--stop-after {steps}: {ended}")
        self.check_unfinished(steps)
        run_folder.expect_no_leftovers(self.output)
        return steps

    def newest_step(self):
        return run_folder.newest_step(run_folder.files_of(self.output))

    def check_unfinished(self, newest=0):
        """`newest` is the step of a checkpoint that was there already."""
        run_folder.check_unfinished(self.bench.reference, self.output, newest)

    def finish(self, most_steps=run_folder.KEEP + 1, **options):
        """Goes on; what is there then is what the undisturbed run left."""
        ended = self.train(**options)
        expect(ended.code == 0, f"going on: {ended}")
        self.compare(most_steps)
        return ended

    def compare(self, most_steps=run_folder.KEEP + 1, output=None, may_be_left=()):
        run_folder.compare(self.bench.reference, output or self.output, most_steps, may_be_left)


def saved_step(calls):
    """The newest checkpoint that calls which all worked have put into place."""
    done = [call.path for call in calls if call.name == "rename" and call.action == "-"]
    inside = [os.path.join("checkpoints", os.path.basename(path)) for path in done]
    return run_folder.newest_step(inside)
