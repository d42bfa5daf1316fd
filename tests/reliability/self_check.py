# SPDX-License-Identifier: Apache-2.0
"""Checks that the harness fails where it should: faults happen, and what is wrong is found."""
import os
import shutil
import sys

import injection_check
import run_folder
from bench import Bench
from faults import Fault
from run_folder import Failure, expect
from trial import SCENARIOS, Trial

# What the stand-in does wrong, and the scenarios that have to find it.
BUGS = {
    "writes_in_place": ["kill_inside_write"],
    "keeps_temporary": ["error_once", "full_disk", "file_size_limit"],
    "ignores_fsync": ["error_once", "error_from_then_on", "error_while_going_on"],
    "writes_once": ["short_write"],
    "no_checksum": ["flipped_bit", "flipped_bit_again"],
    "repairs_quietly": ["flipped_bit", "cut_checkpoint"],
    "repeats_lines": ["kill_after_call", "kill_while_going_on", "kill_again_and_again"],
    "removes_first": ["kill_before_call"],
    "stops_at_unlink": ["error_of_unlink"],
    "lock_by_name": ["stale_lock", "kill_any_time", "clock_at_1970"],
    "no_lock": ["second_run"],
    "one_folder": ["runs_together"],
    "dies_of_signals": ["signal_before_call", "signal_any_time", "signals_again_and_again"],
    "catches_ignored": ["ignored_signal"],
    "trusts_clock": ["clock_at_1970", "default_folder_in_1970"],
    "says_more": ["error_elsewhere", "interrupted_elsewhere", "read_only_mount",
                  "read_only_folder"],
}
MOST_TRIALS = 30  # until one of them finds the bug


def make_stand_in(work):
    """The stand-in as a program: the interpreter by its name, without what it would look for."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stand_in_train.py")
    program = work / "stand_in"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S -B "{source}" "$@"\n')
    program.chmod(0o755)
    return program


def expect_failure(what, function, *arguments):
    try:
        function(*arguments)
    except Failure:
        return
    raise Failure(f"not noticed: {what}")


def rewrite(path, change):
    path.write_bytes(change(path.read_bytes()))


def flip_middle(content):
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]


def without_last_line(content):
    return b"".join(content.splitlines(keepends=True)[:-1])


def plants(folder):
    """What may be wrong with a finished folder: words and what makes it so."""
    names = sorted(run_folder.files_of(folder))
    steps = run_folder.step_files(names)
    for name in names:
        if name not in steps[:-1]:
            yield f"no {name}", lambda path=folder / name: path.unlink()
        if name != "timing.jsonl":
            yield f"a bit of {name}", lambda path=folder / name: rewrite(path, flip_middle)
    for name in ("metrics.jsonl", "timing.jsonl"):
        yield f"a line less in {name}", lambda path=folder / name: rewrite(path, without_last_line)
        yield f"half a line in {name}", lambda path=folder / name: rewrite(path, lambda c: c[:-9])
    for name in ("config.json.tmp", "run.lock", "core", f"{steps[0]}.tmp"):
        yield f"a stray {name}", lambda path=folder / name: path.write_text("")
    first = folder / "checkpoints" / "step_0000000001.safetensors"
    yield "a checkpoint too many", lambda: shutil.copy(folder / steps[0], first)


def unfinished_plants(folder):
    """What no death may leave."""
    newest = folder / run_folder.step_files(run_folder.files_of(folder))[-1]
    yield "half a config.json", lambda: rewrite(folder / "config.json", lambda c: c[:20])
    yield "a short checkpoint", lambda: rewrite(newest, lambda c: c[:-1])
    yield "a long checkpoint", lambda: rewrite(newest, lambda c: c + b"x")
    yield "an empty checkpoint", lambda: rewrite(newest, lambda c: b"")
    yield "a header that is none", lambda: rewrite(newest, lambda c: c[:8] + b"x" + c[9:])
    yield "other metrics", lambda: rewrite(folder / "metrics.jsonl", lambda c: b"{}\n" + c)
    yield "metrics too many", lambda: rewrite(folder / "metrics.jsonl", lambda c: c + b"{}\n")
    yield "a checkpoint gone", newest.unlink


def check_comparison(bench):
    """Every plant is noticed, and the same folder without one is let through."""
    folder = bench.work / "planted"

    def look(made_of, check, *arguments):
        fresh(bench, folder)
        check(bench.reference, folder, *arguments)
        for number, (what, _) in enumerate(list(made_of(folder))):
            fresh(bench, folder)
            list(made_of(folder))[number][1]()
            expect_failure(what, check, bench.reference, folder, *arguments)

    look(plants, run_folder.compare)
    look(unfinished_plants, run_folder.check_unfinished, 50)
    shutil.rmtree(folder)


def fresh(bench, folder):
    shutil.rmtree(folder, ignore_errors=True)
    run_folder.copy(bench.reference, folder)


def check_missed_faults(bench):
    """A fault that did not happen is a failure, as is a call that is never made."""
    trial = Trial(bench, "kill_before_call", 0, 0)
    shutil.rmtree(trial.folder, ignore_errors=True)
    trial.folder.mkdir()
    expect_failure("a fault too late", trial.train_with, Fault("write", 10**6, "EIO"))
    expect_failure("a call never made", trial.draw, ["link"], "EIO")
    shutil.rmtree(trial.folder)


def pass_one(bench, name):
    trial = Trial(bench, name, 0, 0)
    try:
        trial.perform()
    except Failure as failure:
        raise Failure(f"{name} does not pass what is right: {failure}") from None
    shutil.rmtree(trial.folder)


def find(bench, name):
    """Whether one of a scenario's trials fails."""
    for index in range(MOST_TRIALS):
        trial = Trial(bench, name, 0, index)
        try:
            trial.perform()
        except Failure:
            return True
        finally:
            shutil.rmtree(trial.folder)
    return False


def check_scenarios(bench):
    """All pass the stand-in as it is; each finds the bugs that are there for it."""
    left = [name for name in SCENARIOS if not SCENARIOS[name].needs(bench)]
    for name in left:
        pass_one(bench, name)
    for bug, names in BUGS.items():
        os.environ["STAND_IN_BUG"] = bug
        for name in names:
            expect(name not in left or find(bench, name), f"{name} does not find {bug}")
    del os.environ["STAND_IN_BUG"]
    checked = {name for names in BUGS.values() for name in names}
    missing = set(left) - checked - {"interrupted_call"}
    expect(not missing, f"no bug for {', '.join(missing)}")
    return [name for name in SCENARIOS if name not in left]


def run(work, inject):
    """The exit status."""
    bench = Bench(make_stand_in(work), inject, work)
    try:
        injection_check.run(bench)
        bench.prepare()
        check_comparison(bench)
        check_missed_faults(bench)
        skipped = check_scenarios(bench)
    except Failure as failure:
        print(f"the harness is wrong: {failure}", file=sys.stderr)
        return 1
    print(f"the harness finds what it should; skipped: {', '.join(skipped) or 'nothing'}")
    return 0
