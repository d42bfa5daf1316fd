# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at any time: before, inside and behind calls, at any moment, again and again."""
import os
import time

import faults
from bench import finished
from run_folder import expect
from trial import saved_step, scenario

MOST_KILLS = 10


def kill_at(trial, fault):
    """Runs the program until the fault kills it, and looks at what is left."""
    newest = trial.newest_step()
    ended, calls = trial.train_with(fault)
    expect(ended.code == -9, f"{fault} did not kill: {ended}")
    trial.check_unfinished(max(newest, saved_step(calls)))


def kill_later(trial, most_seconds):
    """Kills a run from outside; returns whether it had not ended."""
    newest = trial.newest_step()
    process = trial.start(trial.bench.command(trial.output))
    time.sleep(trial.random.uniform(0, most_seconds))
    process.kill()
    ended = finished(process)
    expect(ended.code in (-9, 0), f"should have been killed or have ended: {ended}")
    trial.check_unfinished(newest)
    return ended.code != 0


@scenario()
def kill_before_call(trial):
    kill_at(trial, trial.draw(faults.CALLS, "kill"))
    trial.finish()
    return "killed"


@scenario()
def kill_inside_write(trial):
    kill_at(trial, trial.draw(["write"], "kill_half"))
    trial.finish()
    return "killed"


@scenario()
def kill_after_call(trial):
    kill_at(trial, trial.draw(faults.CALLS, "kill_after"))
    trial.finish()
    return "killed"


@scenario()
def kill_any_time(trial):
    killed = kill_later(trial, trial.bench.seconds)
    trial.finish()
    return "killed" if killed else "had ended"


@scenario()
def kill_while_going_on(trial):
    """Killed, and killed once more at a call of the run that goes on."""
    kill_at(trial, trial.draw(faults.CALLS, "kill"))
    action = trial.random.choice(["kill", "kill_half", "kill_after"])
    names = ["write"] if action == "kill_half" else faults.CALLS
    kill_at(trial, trial.draw(names, action, trial.calls_of_next()))
    trial.finish()
    return "killed"


@scenario()
def kill_again_and_again(trial):
    """Any mixture of the above, up to ten times."""
    kills = trial.random.randint(2, MOST_KILLS)
    for _ in range(kills):
        if trial.random.random() < 0.5:
            kill_later(trial, trial.bench.seconds / 2)
        else:
            action = trial.random.choice(["kill", "kill_after"])
            kill_at(trial, trial.draw(faults.CALLS, action, trial.calls_of_next()))
    trial.finish()
    return "killed"


@scenario()
def stale_lock(trial):
    """The lock that a killed run left names a process that lives: another, which holds no lock."""
    calls = [call for call in trial.bench.calls if not call.path.endswith("run.lock")]
    kill_at(trial, trial.draw(["write", "rename", "fsync"], "kill_after", calls))
    lock = trial.output / "run.lock"
    expect(lock.exists(), "a killed run has left no run.lock")
    pid = str(trial.started[-1].pid)
    expect(pid in lock.read_text(), f"run.lock does not name process {pid}: {lock.read_text()!r}")
    lock.write_text(lock.read_text().replace(pid, str(os.getpid())))
    trial.finish()
    return "went on"
