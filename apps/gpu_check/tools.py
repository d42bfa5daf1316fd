# SPDX-License-Identifier: Apache-2.0
"""What else is on this machine: profiler, sanitizer, disassembler, PyTorch. Asked once, when a step
needs it, with a row each. Two of them are also tried, since on some machines they are installed and
do not work."""
import glob
import os
import re
import shutil
from typing import NamedTuple

FOLDERS = ("/usr/local/cuda/bin", "/usr/local/cuda-*/bin", "/opt/nvidia/nsight-compute/*")
LIMIT = 60    # seconds of each question
TORCH = "torch"
CUDNN_FRONTEND = "cudnn frontend"
PYTHON_CODE = {
    TORCH: "import torch; assert torch.cuda.is_available(), 'PyTorch sees no GPU'; "
           "print(torch.__version__, 'CUDA', torch.version.cuda)",
    CUDNN_FRONTEND: "import cudnn; print(cudnn.__version__, 'cuDNN', cudnn.backend_version())"}
# The beginning of a command over one short test, and a function of the output that says whether the
# tool itself did its work: what it finds is for other steps.
TRIES = {
    "ncu": (["--clock-control", "none", "--metrics", "gpu__time_duration.sum", "--csv", "-c", "1",
             "--kill", "yes"],
            lambda output: "gpu__time_duration.sum" in output),
    "compute-sanitizer": (["--tool", "memcheck"],
                          lambda output: "ERROR SUMMARY" in output
                          and "not supported" not in output)}
PROGRAMS = ("ncu", "compute-sanitizer", "nvcc", "cuobjdump")
ALL = PROGRAMS + (TORCH, CUDNN_FRONTEND)
COMPLAINT = re.compile(r"==ERROR==|not supported|error", re.IGNORECASE)


class Tool(NamedTuple):
    path: str    # of the program, or of the Python that has it
    reason: str  # why it cannot be used; empty if it can


def find(name):
    """The path of a program; of several versions the newest."""
    installed = (path for folder in FOLDERS
                 for path in sorted(glob.glob(os.path.join(folder, name)), reverse=True))
    return shutil.which(name) or next(
        (path for path in installed if os.access(path, os.X_OK)), None)


def complaint(output):
    """The line that says best why a tool did not work."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return next((line for line in lines if COMPLAINT.search(line)), (lines or ["no output"])[-1])


class Tools:
    def __init__(self, kit, results, python):
        self.kit = kit
        self.results = results
        self.python = python
        self.known = {}

    def path(self, name):
        return self.look(name).path

    def reason(self, name):
        """Why a tool cannot be used; empty if it can."""
        return self.look(name).reason

    def look(self, name):
        if name not in self.known:
            self.known[name] = (self.look_for_package if name in PYTHON_CODE else
                                self.look_for_program)(name)
        return self.known[name]

    def answer(self, name, path, status, detail, seconds=0.0):
        """Rows of tools are written anew by every run: another machine has others."""
        self.results.add("tool " + name, status, detail, seconds, path)
        return Tool(path, "" if status == "passed" else f"{name}: {detail}")

    def look_for_package(self, name):
        outcome = self.results.run("tool " + name, [self.python, "-c", PYTHON_CODE[name]], LIMIT)
        if outcome.status == "passed":
            return self.answer(name, self.python, "passed", outcome.last, outcome.seconds)
        reason = outcome.last or outcome.detail
        return self.answer(name, self.python, "skipped", f"{self.python}: {reason}",
                           outcome.seconds)

    def look_for_program(self, name):
        path = find(name)
        if not path:
            return self.answer(name, path, "skipped", "not installed")
        version = self.results.run("tool " + name, [path, "--version"], LIMIT)
        if version.status != "passed":
            return self.answer(name, path, "skipped", version.detail, version.seconds)
        reason = self.failing_try(name, path) if name in TRIES else ""
        return self.answer(name, path, "skipped" if reason else "passed", reason or version.last,
                           version.seconds)

    def failing_try(self, name, path):
        """Why the tool does not work on this machine; empty if it does."""
        options, works = TRIES[name]
        tags = next(tags for test, _, tags in self.kit.tests() if test == "ptx_conformance")
        step = f"tool {name} tried"
        outcome = self.results.run(
            step, [path, *options, self.kit.program("cuda_tests_gpu"), "-#", tags], LIMIT,
            self.kit.environment())
        if not outcome.started:
            return outcome.detail
        with open(self.results.log_path(step), encoding="utf-8", errors="replace") as log:
            output = log.read().partition("\n")[2]  # below the command
        if works(output):
            return ""
        return f"does not work here: {complaint(output) if outcome.last else outcome.detail}"


def look_around(check, limit):
    """The step: all of them."""
    del limit  # each question has its own
    for name in ALL:
        check.tools.look(name)
