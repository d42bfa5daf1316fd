# SPDX-License-Identifier: Apache-2.0
"""Where programs, specs and data are: in a build folder of this repository, or in a folder that
pack.py made, which holds everything."""
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile

import machine
import unpack

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARIES = "lib.tar.xz"  # compressed, since a kit must be small
SYSTEM_DATA = "/usr/share/datasets/fashion-mnist"


class Kit:
    def __init__(self, programs, specs, apps, libraries, data, clients, facts):
        self.programs = programs    # folder of train, cuda_tests_gpu, gpu_tests.txt, ...
        self.specs = specs
        self.libraries = libraries
        self.data = data            # of Fashion-MNIST; None: not on this machine
        self.clients = clients      # name of a client project: its program
        self.facts = facts          # commit, toolkit, names of variants of bench_kernels
        self.bench_step = os.path.join(apps, "bench_step")
        self.bench_kernels_scripts = os.path.join(apps, "bench_kernels")

    def program(self, name):
        return os.path.join(self.programs, name)

    def environment(self):
        """For programs of the kit, not for Python: it brings its own C++ library."""
        environment = dict(os.environ)
        folders = self.libraries + [environment.get("LD_LIBRARY_PATH", "")]
        environment["LD_LIBRARY_PATH"] = ":".join(folder for folder in folders if folder)
        if self.data:
            environment["ACCRETE_DATA"] = self.data
        return environment

    def tests(self):
        """(name, whether it is short, filter of cuda_tests_gpu)."""
        with open(self.program("gpu_tests.txt"), encoding="utf-8") as file:
            rows = [line.split() for line in file]
        return [(name, length == "short", tags) for name, length, tags in rows]

    def variants(self):
        """Names of programs bench_kernels-<name>, built with other parameters."""
        return self.facts.get("variants", [])


def first_folder(*folders):
    return next((folder for folder in folders if folder and os.path.isdir(folder)), None)


def from_folder(folder, python=sys.executable):
    folder = os.path.abspath(folder)
    with open(os.path.join(folder, "kit.json"), encoding="utf-8") as file:
        facts = json.load(file)
    clients = {name: os.path.join(folder, "bin", name) for name in facts["clients"]}
    libraries = tempfile.mkdtemp(prefix="accrete-lib-")
    atexit.register(shutil.rmtree, libraries, ignore_errors=True)
    unpack.extract(os.path.join(folder, LIBRARIES), libraries)
    unpack.unpack(folder)
    data = first_folder(os.path.join(folder, "data"), os.environ.get("ACCRETE_DATA"), SYSTEM_DATA)
    return Kit(os.path.join(folder, "bin"), os.path.join(folder, "specs"),
               os.path.join(folder, "apps"), [libraries] + machine.cuda_library_folders(python),
               data, clients, facts)


def first_line(command):
    try:
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return output.strip().splitlines()[-1]


def from_build(python=sys.executable):
    """The cuda preset of the repository this file is in."""
    root = os.path.dirname(os.path.dirname(HERE))
    build = os.path.join(root, "build", "cuda")
    clients = {name: os.path.join(build, "tests", "install", "install_" + name, "build", "client")
               for name in ("cuda_kernels_client", "cuda_engine_client")}
    facts = {"commit": first_line(["git", "-C", root, "describe", "--always", "--dirty",
                                   "--abbrev=12"]),
             "nvcc": first_line(["nvcc", "--version"]), "clients": sorted(clients)}
    return Kit(os.path.join(build, "bin"), os.path.join(root, "models", "specs"),
               os.path.dirname(HERE), machine.cuda_library_folders(python),
               first_folder(os.environ.get("ACCRETE_DATA"), SYSTEM_DATA), clients, facts)
