# SPDX-License-Identifier: Apache-2.0
"""Several runs at once, and clocks that are wrong."""
import pathlib
import re
import signal
import time

import faults
import run_folder
from bench import TIMEOUT, finished
from run_folder import expect
from trial import scenario

RUNS = 3


def has_stopped(process):
    """Waits until the process stands still; False if it has ended or goes on and on."""
    for _ in range(TIMEOUT * 1000):
        state = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state in "TZ":
            return state == "T"
        time.sleep(0.001)
    return False


def stop_while_running(trial):
    """A run that stands still at one of its calls, its lock in hand."""
    calls = trial.bench.calls
    locked = [i for i, call in enumerate(calls)
              if call.name == "write" and call.path.endswith("run.lock")]
    expect(locked, "the program writes no run.lock")
    unlocked = [i for i, call in enumerate(calls)
                if call.name == "unlink" and call.path.endswith("run.lock")]
    during = calls[locked[-1] + 1:unlocked[-1] if unlocked else None]
    fault = trial.draw(["write", "fsync", "rename"], "SIGSTOP", during)
    log = trial.folder / "stopped.log"
    process = trial.start(trial.bench.command(trial.output), faults.environment(
        trial.bench.inject, trial.output, log, fault))
    expect(has_stopped(process), f"{fault} did not happen")
    return process


@scenario()
def second_run(trial):
    """Of two runs in one folder the later is refused, and the earlier does not notice."""
    first = stop_while_running(trial)
    before = run_folder.files_of(trial.output)
    resume = trial.random.random() < 0.5
    second = finished(trial.start(trial.bench.command(trial.output, resume=resume)))
    expect(second.code == 2, f"the second run: {second}")
    expect(re.search(rf"\bprocess {first.pid}\b", second.stderr),
           f"the second run does not name process {first.pid}: {second}")
    expect(re.search(r"\d\d:\d\d", second.stderr), f"does not say since when: {second}")
    expect(run_folder.files_of(trial.output) == before, "the second run has changed the folder")
    first.send_signal(signal.SIGCONT)
    ended = finished(first)
    expect(ended.code == 0, f"the first run: {ended}")
    trial.compare()
    return "refused"


def runs_in(folder):
    return sorted((folder / "runs").iterdir())


@scenario()
def runs_together(trial):
    """Without --output, at the same second: each gets a folder."""
    processes = [trial.start(trial.bench.command(None), cwd=trial.folder) for _ in range(RUNS)]
    for ended in map(finished, processes):
        expect(ended.code == 0, f"one of {RUNS} runs: {ended}")
    folders = runs_in(trial.folder)
    expect(len(folders) == RUNS, f"{RUNS} runs have left {len(folders)} folders")
    for folder in folders:
        trial.compare(output=folder)
    return "all whole"


@scenario()
def clock_at_1970(trial):
    """Killed and gone on with, with the clock wrong in either run or in both."""
    wrong = faults.clock_environment(trial.bench.inject, 0)
    first, second = trial.random.choice([(wrong, {}), ({}, wrong), (wrong, wrong)])
    fault = trial.draw(faults.CALLS, "kill")
    log = trial.folder / "killed.log"
    ended = trial.train(environment={
        **first, **faults.environment(trial.bench.inject, trial.output, log, fault)})
    expect(ended.code == -9 and faults.fired(faults.read_log(log)), f"{fault}: {ended}")
    trial.check_unfinished()
    trial.finish(environment=second)
    return "went on"


@scenario()
def default_folder_in_1970(trial):
    environment = faults.clock_environment(trial.bench.inject, trial.random.randint(0, 80000))
    ended = finished(trial.start(trial.bench.command(None), environment, trial.folder))
    expect(ended.code == 0, f"with the clock at 1970: {ended}")
    folder, = runs_in(trial.folder)
    expect("19700101" in folder.name, f"the clock was not wrong: {folder}")
    trial.compare(output=folder)
    return "all whole"
