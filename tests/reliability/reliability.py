#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills, interrupts and starves runs of the train program, and checks that nothing is ever lost.

Every trial ends with a run that went on to its end; its files have to be those of a run that
nothing happened to, byte for byte. A failed trial's folder is kept, and the line to repeat it is
printed; the exit status is then 1.
"""
import argparse
import collections
import dataclasses
import json
import os
import pathlib
import platform
import shlex
import shutil
import sys
import tempfile
import traceback

import disk_scenarios  # noqa: F401: each registers its scenarios
import error_scenarios  # noqa: F401
import kill_scenarios  # noqa: F401
import self_check
import sharing_scenarios  # noqa: F401
import signal_scenarios
from bench import Bench, finished
from run_folder import Failure
from trial import SCENARIOS, Trial


@dataclasses.dataclass
class Row:
    """What came out of a scenario's trials."""
    name: str
    outcomes: dict
    failures: list
    skipped: str = ""

    def print(self):
        if self.skipped:
            print(f"{self.name:24} skipped: {self.skipped}", flush=True)
            return
        trials = sum(self.outcomes.values()) + len(self.failures)
        words = ", ".join(f"{word} {count}" for word, count in sorted(self.outcomes.items()))
        print(f"{self.name:24}{trials:>7}{len(self.failures):>8}  {words}", flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", help="the program")
    parser.add_argument("--inject", required=True, help="the library of faults, to preload")
    parser.add_argument("--trials", type=int, default=20, help="of each scenario (default: 20)")
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn (default: 1)")
    parser.add_argument("--only", nargs="+", choices=list(SCENARIOS), default=list(SCENARIOS),
                        metavar="NAME", help=", ".join(SCENARIOS))
    parser.add_argument("--json", type=pathlib.Path, help="results as a file")
    parser.add_argument("--work", type=pathlib.Path, help="folder for all runs (default: in /tmp)")
    parser.add_argument("--self-check", action="store_true",
                        help="check that the harness finds what is wrong, without train")
    arguments = parser.parse_args()
    if not arguments.train and not arguments.self_check:
        parser.error("--train is missing")
    return arguments


def command_to_repeat(arguments, name, index):
    return shlex.join([sys.executable, sys.argv[0], "--train", arguments.train, "--inject",
                       arguments.inject, "--only", name, "--seed", str(arguments.seed), "--first",
                       str(index), "--trials", "1"])


def run_scenario(bench, name, seed, indices):
    row = Row(name, collections.Counter(), [], SCENARIOS[name].needs(bench))
    for index in indices if not row.skipped else ():
        trial = Trial(bench, name, seed, index)
        try:
            row.outcomes[trial.perform()] += 1
            shutil.rmtree(trial.folder)
        except Exception as error:  # one that is no Failure, too, is of something unforeseen
            message = str(error) if isinstance(error, Failure) else traceback.format_exc()
            row.failures.append({"trial": index, "message": message,
                                 "folder": str(trial.folder), "commands": trial.commands})
    return row


def print_failures(arguments, rows):
    for row in rows:
        for failure in row.failures:
            print(f"\n{row.name} {failure['trial']}: {failure['message']}\n"
                  f"  kept: {failure['folder']}\n"
                  f"  repeat: {command_to_repeat(arguments, row.name, failure['trial'])}")
            commands = pathlib.Path(failure["folder"], "commands.sh")
            commands.write_text("".join(f"{command}\n" for command in failure["commands"]))
            print(f"  {len(failure['commands'])} commands: {commands}; the last:")
            print("  " + "".join(failure["commands"][-1:]))


def run_scenarios(arguments, bench):
    print(f"{'scenario':24}{'trials':>7}{'failed':>8}  outcomes (seed {arguments.seed}, "
          f"{bench.seconds:.2f} s a run)", flush=True)
    rows = []
    for name in arguments.only:
        indices = range(arguments.first, arguments.first + arguments.trials)
        rows.append(run_scenario(bench, name, arguments.seed, indices))
        rows[-1].print()
    if arguments.json:
        results = {**circumstances(arguments, bench), "scenarios": [vars(row) for row in rows]}
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    return rows


def circumstances(arguments, bench):
    """What the results are of."""
    version = finished(bench.start([bench.train, "--version"])).stdout.strip()
    return {"train": version, "system": platform.platform(), "cores": os.cpu_count(),
            "trials": arguments.trials, "seed": arguments.seed}


def make_work(arguments):
    """A folder that other users can look into."""
    work = arguments.work or pathlib.Path(tempfile.mkdtemp(prefix="reliability-"))
    work.mkdir(parents=True, exist_ok=True)
    work.chmod(0o755)
    return work.resolve()


def check_train(arguments, work):
    """The exit status."""
    bench = Bench(arguments.train, arguments.inject, work)
    try:
        bench.prepare()
    except Failure as failure:
        print(f"two runs that nothing happened to: {failure}", file=sys.stderr)
        return 1
    rows = run_scenarios(arguments, bench)
    print_failures(arguments, rows)
    return int(any(row.failures for row in rows))


def main():
    arguments = parse_arguments()
    signal_scenarios.restore_signals()
    work = make_work(arguments)
    if arguments.self_check:
        status = self_check.run(work, arguments.inject)
    else:
        status = check_train(arguments, work)
    if status == 0 and not arguments.work:
        shutil.rmtree(work)
    return status


if __name__ == "__main__":
    sys.exit(main())
