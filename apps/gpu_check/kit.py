# SPDX-License-Identifier: Apache-2.0
"""Where programs, specs and data are: in a build folder of this repository, or in a folder that
pack.py made, which holds everything."""
import atexit
import json
import os
import shutil
import subprocess
import tarfile
import tempfile

import machine

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARIES = "lib.tar.xz"  # compressed, since a kit must be small


class Kit:
    def __init__(self, programs, specs, libraries, data, clients, facts):
        self.programs = programs    # folder of train, cuda_tests_gpu, gpu_tests.txt, ...
        self.specs = specs
        self.data = data            # for ACCRETE_DATA; None: wherever train looks by itself
        self.clients = clients      # name of a client project: its program
        self.facts = facts          # commit and toolkit
        self.bench_step = os.path.join(os.path.dirname(HERE), "bench_step")
        self.libraries = libraries

    def program(self, name):
        return os.path.join(self.programs, name)

    def environment(self):
        """For programs of the kit, not for Python: it brings its own C++ library."""
        environment = dict(os.environ)
        folders = self.libraries + machine.cuda_library_folders()
        folders += [environment.get("LD_LIBRARY_PATH", "")]
        environment["LD_LIBRARY_PATH"] = ":".join(folder for folder in folders if folder)
        if self.data:
            environment["ACCRETE_DATA"] = self.data
        return environment

    def tests(self):
        """(name, whether it is short, filter of cuda_tests_gpu)."""
        with open(self.program("gpu_tests.txt"), encoding="utf-8") as file:
            rows = [line.split() for line in file]
        return [(name, length == "short", tags) for name, length, tags in rows]


def from_folder(folder):
    folder = os.path.abspath(folder)
    with open(os.path.join(folder, "kit.json"), encoding="utf-8") as file:
        facts = json.load(file)
    clients = {name: os.path.join(folder, "bin", name) for name in facts["clients"]}
    libraries = tempfile.mkdtemp(prefix="accrete-lib-")
    atexit.register(shutil.rmtree, libraries, ignore_errors=True)
    with tarfile.open(os.path.join(folder, LIBRARIES)) as archive:
        archive.extractall(libraries)
    return Kit(os.path.join(folder, "bin"), os.path.join(folder, "specs"), [libraries],
               os.path.join(folder, "data"), clients, facts)


def first_line(command):
    try:
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return output.strip().splitlines()[-1]


def from_build():
    """The cuda preset of the repository this file is in."""
    root = os.path.dirname(os.path.dirname(HERE))
    build = os.path.join(root, "build", "cuda")
    clients = {name: os.path.join(build, "tests", "install", "install_" + name, "build", "client")
               for name in ("cuda_kernels_client", "cuda_engine_client")}
    facts = {"commit": first_line(["git", "-C", root, "describe", "--always", "--dirty",
                                   "--abbrev=12"]),
             "nvcc": first_line(["nvcc", "--version"]), "clients": sorted(clients)}
    return Kit(os.path.join(build, "bin"), os.path.join(root, "models", "specs"), [], None, clients,
               facts)
