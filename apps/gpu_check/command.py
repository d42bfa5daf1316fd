# SPDX-License-Identifier: Apache-2.0
"""One command under a time limit, its output in a file."""
import os
import shlex
import signal
import subprocess
import time

POLL = 0.2         # seconds between looks at whether the run was interrupted
KILL_PATIENCE = 2  # seconds; a process that hangs in the driver may outlive its SIGKILL
TAIL_BYTES = 1 << 16
NOT_STARTED = 127  # what a shell returns for a program that it cannot start


def kill_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=KILL_PATIENCE)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass


def wait(process, end, interrupted):
    """Exit code of a process; None if it had to be killed."""
    while time.monotonic() < end and not interrupted():
        try:
            return process.wait(timeout=min(POLL, max(0.0, end - time.monotonic())))
        except subprocess.TimeoutExpired:
            pass
    kill_group(process)
    return None


def last_line(path, begin):
    """Of the output that starts at byte `begin`; empty if there is none."""
    with open(path, "rb") as log:
        log.seek(max(begin, os.path.getsize(path) - TAIL_BYTES))
        lines = log.read().decode("utf-8", "replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def execute(command, log_path, limit, interrupted, environment=None):
    """(exit code, None for a killed command; seconds; last line of output)"""
    start = time.monotonic()
    with open(log_path, "w", encoding="utf-8") as log:
        log.write(shlex.join(command) + "\n")
        log.flush()
        begin = log.tell()
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT, env=environment,
                                       start_new_session=True)
            code = wait(process, start + limit, interrupted)
        except OSError as error:
            log.write(f"{error}\n")
            code = NOT_STARTED
    return code, time.monotonic() - start, last_line(log_path, begin)
