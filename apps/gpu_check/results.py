# SPDX-License-Identifier: Apache-2.0
"""Runs commands under a time limit and keeps what came of them: a JSON line each, written at once,
and the output of each in a file of its own."""
import json
import os
import shlex
import signal
import subprocess
import time


class Results:
    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.rows = []
        self.file = open(os.path.join(folder, "results.jsonl"), "a", encoding="utf-8")

    def write(self, row):
        self.file.write(json.dumps(row) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def add(self, step, status, detail="", seconds=0.0, command=None, **more):
        """`status` is passed, failed or skipped; skipped says why in `detail`."""
        row = {"step": step, "status": status, "detail": detail, "seconds": round(seconds, 2),
               "command": command, **more}
        self.rows.append(row)
        self.write(row)
        print(f"{status:8} {seconds:8.1f} s  {step}  {detail}", flush=True)

    def run(self, step, command, limit, environment=None):
        """(exit code, seconds, last line of output); the exit code is None after a time-out."""
        log_path = os.path.join(self.folder, step.replace(" ", "_").replace("/", "_") + ".log")
        start = time.monotonic()
        with open(log_path, "w", encoding="utf-8") as log:
            log.write(shlex.join(command) + "\n")
            log.flush()
            try:
                process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT,
                                           env=environment, start_new_session=True)
                code = process.wait(timeout=limit)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                code = None
            except OSError as error:
                log.write(str(error) + "\n")
                code = 127
        with open(log_path, encoding="utf-8", errors="replace") as log:
            lines = [line.strip() for line in log if line.strip()]
        return code, time.monotonic() - start, lines[-1]

    def check(self, step, command, limit, environment=None):
        """Runs a command that must succeed; True when it did."""
        code, seconds, last = self.run(step, command, limit, environment)
        reason = {0: "", None: f"ran past {limit} s", 77: "skipped itself although there is a GPU"}
        detail = reason.get(code, f"exit code {code}: {last}")
        self.add(step, "passed" if code == 0 else "failed", detail, seconds, shlex.join(command))
        return code == 0

    def failed(self):
        return [row for row in self.rows if row["status"] == "failed"]

    def table(self):
        width = max((len(row["step"]) for row in self.rows), default=4)
        lines = [f"{row['step']:{width}}  {row['status']:8}{row['seconds']:8.1f} s  {row['detail']}"
                 for row in self.rows]
        return "\n".join(lines)
