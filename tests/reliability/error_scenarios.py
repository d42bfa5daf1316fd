# SPDX-License-Identifier: Apache-2.0
"""Calls that fail: the disk is full or broken, a signal interrupts, only a part is written."""
import errno
import os

import faults
import run_folder
from bench import expect_refusal
from run_folder import expect
from trial import saved_step, scenario

NEVER_LOST = ["write", "fsync", "rename"]  # without these nothing can be saved
OTHERS = ["truncate", "link", "open", "flock", "mkdir"]  # there may be another way


def is_lock(call):
    """What is in the lock is there for others to read; the lock holds without it."""
    return call.path.endswith("run.lock")


def draw_fatal(trial, calls, forever):
    """One that the program cannot do without."""
    fatal = [call for call in calls if not is_lock(call)]
    return trial.draw(NEVER_LOST, trial.random.choice(faults.ERRORS), fatal, forever)


def fail(trial, fault):
    """A run that has to give up, with one line, tidily."""
    ended, calls = trial.train_with(fault)
    expect_refusal(ended)
    reason = os.strerror(getattr(errno, fault.action))
    expect(reason in ended.stderr, f"does not say that it was '{reason}': {ended}")
    tidy(trial, calls)


def tidy(trial, calls):
    trial.check_unfinished(saved_step(calls))
    run_folder.expect_no_leftovers(trial.output)


def fail_or_not(trial, fault):
    """A run that either gives up, tidily, or does all that it should."""
    ended, calls = trial.train_with(fault)
    if ended.code == 0:
        trial.compare()
        return "ended well"
    expect_refusal(ended)
    tidy(trial, calls)
    trial.finish()
    return "gave up"


def end_well(trial, fault):
    """A run that a fault changes nothing for."""
    ended, _ = trial.train_with(fault)
    expect(ended.code == 0, f"{fault}: {ended}")
    trial.compare()
    return "ended well"


@scenario()
def error_once(trial):
    fail(trial, draw_fatal(trial, trial.bench.calls, forever=False))
    trial.finish()
    return "gave up"


@scenario()
def error_from_then_on(trial):
    fail(trial, draw_fatal(trial, trial.bench.calls, forever=True))
    trial.finish()
    return "gave up"


@scenario()
def error_while_going_on(trial):
    trial.stop_halfway()
    fail(trial, draw_fatal(trial, trial.calls_of_next(), trial.random.random() < 0.5))
    trial.finish()
    return "gave up"


@scenario()
def error_elsewhere(trial):
    forever = trial.random.random() < 0.5
    action = trial.random.choice([*faults.ERRORS, "ENOLCK"])
    calls = [call for call in trial.bench.calls if call.name in OTHERS or is_lock(call)]
    return fail_or_not(trial, trial.draw(["write", *OTHERS], action, calls, forever))


@scenario()
def error_of_unlink(trial):
    """An old checkpoint that stays is no reason to stop."""
    forever = trial.random.random() < 0.5
    old = [call for call in trial.bench.calls
           if call.name == "unlink" and run_folder.STEP_FILE.search(call.path)]
    fault = trial.draw(["unlink"], trial.random.choice(faults.ERRORS), old, forever)
    ended, _ = trial.train_with(fault)
    expect(ended.code == 0, f"{fault}: {ended}")
    left = ["run.lock"] if forever else []
    trial.compare(most_steps=50, may_be_left=left)
    trial.finish(most_steps=50)
    return "ended well"


@scenario()
def interrupted_call(trial):
    """EINTR once: the call is to be made again."""
    return end_well(trial, trial.draw(["write", "fsync"], "EINTR"))


@scenario()
def interrupted_elsewhere(trial):
    return fail_or_not(trial, trial.draw(["rename", *OTHERS], "EINTR"))


@scenario()
def short_write(trial):
    return end_well(trial, trial.draw(["write"], "short", forever=trial.random.random() < 0.5))


@scenario()
def file_size_limit(trial):
    """ulimit -f, in blocks of 512 bytes, less than a checkpoint has."""
    begun = trial.random.random() < 0.5 and trial.stop_halfway()
    before = run_folder.files_of(trial.output) if begun else {}
    most = max(len(content) for content in run_folder.files_of(trial.bench.reference).values())
    blocks = trial.random.randint(0, most // 512 - 1)
    limited = ["sh", "-c", f"trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"", "sh"]
    expect_refusal(trial.train(wrap=limited))
    tidy(trial, [])
    kept = run_folder.files_of(trial.output)
    for name in before.keys() - {"metrics.jsonl", "timing.jsonl"}:
        expect(before[name] == kept.get(name), f"{name} has changed")
    trial.finish()
    return "gave up"
