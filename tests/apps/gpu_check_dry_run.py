# SPDX-License-Identifier: Apache-2.0
"""Runs the whole of gpu_check in the process of a test, with stand-ins for all other programs."""
import contextlib
import io
import json
import os
import signal
import sys
import tarfile
import tempfile
import unittest
from unittest import mock

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(SOURCE, "apps", "gpu_check")
sys.dont_write_bytecode = True
sys.path.insert(0, SCRIPTS)
import gpu_check  # noqa: E402
import gpu_check_stand_ins as stand_ins  # noqa: E402
import machine  # noqa: E402
import tools  # noqa: E402
from results import read_rows  # noqa: E402


class DryRun(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        self.kit = os.path.join(self.root, "kit")
        self.output = os.path.join(self.root, "results")
        self.archive = os.path.join(self.root, "back", "results.tar.gz")
        self.printed = ""
        for number in (signal.SIGTERM, signal.SIGINT):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        self.patch(machine, "gpu_count", lambda: (1, ""))
        self.patch(tools, "FOLDERS", ())

    def patch(self, place, name, value):
        patcher = mock.patch.object(place, name, value)
        patcher.start()
        self.addCleanup(patcher.stop)

    def make_kit(self, **options):
        stand_ins.make_kit(self.kit, **options)

    def run_check(self, *arguments, trouble="", at="", trace=""):
        """Exit code and rows as listed; output goes to self.printed."""
        environment = {"PATH": os.path.join(self.kit, "tools") + ":/usr/bin:/bin",
                       "TROUBLE": trouble, "TROUBLE_AT": at, "TRACE": trace}
        printed = io.StringIO()
        with mock.patch.dict(os.environ, environment), contextlib.redirect_stdout(printed), \
                contextlib.redirect_stderr(printed):
            code = gpu_check.main(["--prebuilt", self.kit, "--archive", self.archive, "--python",
                                   os.path.join(self.kit, "tools", "python"),
                                   *(arguments or ["--output", self.output])])
        self.printed = printed.getvalue()
        return code

    def statuses(self):
        """Of the newest row of each step."""
        return {row["step"]: row["status"] for row in read_rows(self.output)}

    def row(self, step):
        return [row for row in read_rows(self.output) if row["step"] == step][-1]

    def archived_rows(self):
        with tarfile.open(self.archive) as archive:
            text = archive.extractfile("results/results.jsonl").read().decode()
        return [json.loads(line) for line in text.splitlines() if line.strip()]
