# SPDX-License-Identifier: Apache-2.0
"""Signals that ask a run to save and stop, and the same ones ignored."""
import signal
import time

import faults
import run_folder
from bench import finished
from run_folder import expect
from trial import saved_step, scenario

SIGNALS = {"TERM": signal.SIGTERM, "HUP": signal.SIGHUP, "INT": signal.SIGINT,
           "USR1": signal.SIGUSR1}


def restore_signals():
    """What is started from here has them at their default, however this program was started."""
    for number in SIGNALS.values():
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def judge(trial, number, before, ended):
    """A word for how a run took a signal; `before` is what its folder held."""
    if ended.code == 0:
        return "had ended"
    if ended.code == -number:  # it came before the program was ready for it
        now = run_folder.files_of(trial.output)
        now.pop("run.lock", None)
        expect(now == before, f"died by signal {number} and had begun: {ended}")
        return "had not begun"
    expect(ended.code == 128 + number, f"signal {number}: {ended}")
    run_folder.expect_no_leftovers(trial.output)
    return "saved"


def stop_by_signal(trial):
    number = trial.random.choice(list(SIGNALS.values()))
    before = run_folder.files_of(trial.output)
    process = trial.start(trial.bench.command(trial.output))
    time.sleep(trial.random.uniform(0, trial.bench.seconds))
    process.send_signal(number)
    outcome = judge(trial, number, before, finished(process))
    trial.check_unfinished(run_folder.newest_step(before))
    return outcome


@scenario()
def signal_any_time(trial):
    outcome = stop_by_signal(trial)
    trial.finish()
    return outcome


@scenario()
def signal_before_call(trial):
    """It arrives while files are made: they are made to their end."""
    name = trial.random.choice(list(SIGNALS))
    ended, calls = trial.train_with(trial.draw(faults.CALLS, f"SIG{name}"))
    outcome = judge(trial, SIGNALS[name], {}, ended)
    trial.check_unfinished(saved_step(calls))
    trial.finish()
    return outcome


@scenario()
def signals_again_and_again(trial):
    """Stopped up to ten times, and never further back than before."""
    for _ in range(trial.random.randint(2, 10)):
        stop_by_signal(trial)
    trial.finish()
    return "saved"


@scenario()
def ignored_signal(trial):
    """As nohup does it."""
    name = trial.random.choice(list(SIGNALS))
    ignoring = ["sh", "-c", f"trap '' {name}; exec \"$@\"", "sh"]
    process = trial.start([*ignoring, *trial.bench.command(trial.output)])
    for _ in range(5):
        time.sleep(trial.random.uniform(0.01, trial.bench.seconds / 5 + 0.01))
        if process.poll() is None:
            process.send_signal(SIGNALS[name])
    ended = finished(process)
    expect(ended.code == 0, f"SIG{name}, ignored: {ended}")
    trial.compare()
    return "ended well"
