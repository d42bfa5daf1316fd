# SPDX-License-Identifier: Apache-2.0
"""Checks that the preloaded library does to each call what it is told, and to no other."""
import pathlib
import shutil
import signal
import sys

import faults
from bench import finished
from faults import Fault
from run_folder import expect
from sharing_scenarios import has_stopped

PROBE = pathlib.Path(__file__).resolve().parent / "call_probe.py"
PROBED = [name for name in faults.CALLS for _ in range(2)]  # each is made twice
ERRORS = [*faults.ERRORS, "EINTR", "ENOLCK"]


class Probe:
    """One run of the probe with a fault; what it printed and what the log says."""

    def __init__(self, bench, fault, extra=()):
        self.folder = bench.work / "probed"
        shutil.rmtree(self.folder, ignore_errors=True)
        log = bench.work / "probed.log"
        log.unlink(missing_ok=True)
        environment = {**faults.environment(bench.inject, self.folder, log, fault), **dict(extra)}
        self.process = bench.start([sys.executable, "-I", "-S", "-B", str(PROBE),
                                    str(self.folder)], environment)
        if fault and fault.action == "SIGSTOP":
            expect(has_stopped(self.process), f"{fault} did not stop the process")
            self.process.send_signal(signal.SIGCONT)
        self.ended = finished(self.process)
        self.lines = [line.split() for line in self.ended.stdout.splitlines()]
        self.calls = faults.read_log(log)

    def result(self, fault):
        """Of the call that the fault was for."""
        results = [result for name, result in self.lines if name == fault.call]
        return results[fault.n - 1] if len(results) >= fault.n else None


def check_undisturbed(bench):
    probe = Probe(bench, None)
    expect(probe.ended.code == 0, f"the probe: {probe.ended}")
    expect({name for name, result in probe.lines} == set(faults.CALLS), "the probe misses a call")
    expect(all(result in ("done", "10") for _, result in probe.lines), f"{probe.ended}")
    expect(sorted(call.name for call in probe.calls) == sorted(PROBED), f"counted: {probe.calls}")


def check_fired(probe, fault):
    fired = faults.fired(probe.calls)
    expect([(call.name, call.n, call.action) for call in fired] ==
           [(fault.call, fault.n, fault.action)], f"{fault}: the log says {fired}")


def check_error(bench, fault):
    """The call fails as told; some that were interrupted, Python makes again."""
    probe = Probe(bench, fault)
    check_fired(probe, fault)
    again = fault.action == "EINTR" and fault.call not in ("rename", "link", "unlink", "mkdir")
    result = probe.result(fault)
    expect(result == fault.action or (again and result in ("done", "10")),
           f"{fault} led to {result}: {probe.ended}")


def check_kill(bench, fault):
    probe = Probe(bench, fault)
    check_fired(probe, fault)
    expect(probe.ended.code == -9, f"{fault}: {probe.ended}")
    last = probe.calls[-1]
    expect((last.name, last.n) == (fault.call, fault.n), f"{fault}: the last call was {last}")
    path = pathlib.Path(last.path)
    there = {"kill": 0, "kill_half": 5, "kill_after": 10}[fault.action]
    if fault == Fault("write", 1, fault.action):
        expect(path.stat().st_size == there, f"{fault}: {path.stat().st_size} bytes")
    elif fault.call in ("rename", "link", "mkdir"):
        expect(path.exists() == (fault.action == "kill_after"), f"{fault}: {path.exists()}")
    elif fault.call == "unlink":
        expect(path.exists() == (fault.action == "kill"), f"{fault}: {path.exists()}")


def check_writes(bench):
    for n in (1, 2):
        fault = Fault("write", n, "short")
        probe = Probe(bench, fault)
        check_fired(probe, fault)
        expect(probe.result(fault) == "5", f"{fault}: {probe.ended}")
    probe = Probe(bench, Fault("write", 1, "ENOSPC", forever=True))
    expect([result for name, result in probe.lines if name == "write"] == ["ENOSPC"] * 2,
           f"an error from then on: {probe.ended}")


def check_signal(bench, fault):
    probe = Probe(bench, fault)
    check_fired(probe, fault)
    number = getattr(signal, fault.action)
    wanted = 0 if number == signal.SIGSTOP else -number
    expect(probe.ended.code == wanted, f"{fault}: {probe.ended}")


def check_clock(bench):
    """Python reads the clock in one way, the shell's date in another."""
    wrong = faults.clock_environment(bench.inject, 5)
    clock = "import time; print(time.time() < 60, time.gmtime().tm_year, time.monotonic() > 60)"
    for command, wanted in (([sys.executable, "-I", "-S", "-c", clock], "True 1970 True"),
                            (["date", "+%Y"], "1970")):
        ended = finished(bench.start(command, wrong))
        expect(ended.stdout.strip() == wanted, f"{command} with another clock: {ended}")


def check_refusal(bench):
    """What cannot be followed is no run without faults."""
    for text in ("write", "write:0:EIO", "write:1:nothing", "read:1:EIO", "write:1:EIO:ever"):
        probe = Probe(bench, None, [("ACCRETE_FAULT", text)])
        expect(probe.ended.code == 99, f"ACCRETE_FAULT={text}: {probe.ended}")


def run(bench):
    check_undisturbed(bench)
    for call in faults.CALLS:
        for n in (1, 2):
            for action in ERRORS:
                check_error(bench, Fault(call, n, action))
            for action in ["kill", "kill_after", *(["kill_half"] if call == "write" else [])]:
                check_kill(bench, Fault(call, n, action))
        for action in ("SIGSTOP", "SIGTERM", "SIGHUP", "SIGINT", "SIGUSR1"):
            check_signal(bench, Fault(call, 1, action))
    check_writes(bench)
    check_clock(bench)
    check_refusal(bench)
