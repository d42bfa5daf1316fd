#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pack.py DIR: copies what gpu_check needs from a build folder into a folder that runs elsewhere.
./run gpu --pack DIR builds it first.

DIR/gpu_check starts it there. The other machine needs x86-64 Linux with a glibc no older than this
one's, Python 3.9, the NVIDIA driver, and libcublas and libcublasLt of the toolkit (or of the
packages that come with PyTorch): they are too large to be taken along, linked statically or not.
Everything else that the programs link is in DIR/lib.tar.xz. The programs are in DIR/bin.tar.xz,
since all hold the same kernels, and are unpacked at the first start.
"""
import argparse
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

import kit as kits
from unpack import ARCHIVE

ROOT = os.path.dirname(os.path.dirname(kits.HERE))
MIB = 1 << 20
LIMIT = 64 * MIB
SMALL = 25 * MIB  # what is expected without data and variants, for one architecture
PROGRAMS = ("train", "inspect", "cuda_tests_gpu", "bench_kernels")
CLIENTS = ("cuda_kernels_client", "cuda_engine_client")
DATA = "/usr/share/datasets/fashion-mnist"
DEFAULT_ARCHITECTURES = ["80", "90"]
# Part of the other machine's C library.
SYSTEM = re.compile(
    r"^(ld-linux-x86-64|linux-vdso|lib(c|m|mvec|dl|rt|pthread|resolv|util|anl))\.so")
# Part of its driver and toolkit.
NVIDIA = re.compile(r"^lib(cublas|cublasLt|cuda)\.so")
# Looks back far enough to find the kernels of one program in the next.
COMPRESSION = [{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": 128 * MIB}]


def read_variants():
    """Name: definitions of conv/band/tuning.cuh, for programs bench_kernels-<name>."""
    with open(os.path.join(kits.HERE, "variants.json"), encoding="utf-8") as file:
        return json.load(file)


class Builds:
    """The build folders that a kit is made from, relative to the repository. A kit of other
    architectures leaves the ordinary build folder as it is."""

    def __init__(self, architectures, variants):
        self.architectures = architectures
        self.main = "build/cuda"
        self.options = []
        numbered = "build/cuda-" + "-".join(architectures)
        if architectures != DEFAULT_ARCHITECTURES:
            self.main = numbered
            self.options = ["-DCMAKE_CUDA_ARCHITECTURES=" + ";".join(architectures)]
        self.variants = {name: f"{numbered}-{name}" for name in variants}
        self.tuning = variants

    def plan(self):
        """A line per folder: its name and its options of CMake; the first is the main one."""
        lines = [" ".join([self.main, *self.options])]
        for name, folder in self.variants.items():
            tuning = ";".join(f"{key}={value}" for key, value in self.tuning[name].items())
            lines.append(" ".join([folder, *self.options, "-DACCRETE_GEMM_TUNING=" + tuning]))
        return "\n".join(lines)

    def programs(self):
        """Name in the kit: path here."""
        main = os.path.join(ROOT, self.main)
        paths = {name: os.path.join(main, "bin", name) for name in PROGRAMS}
        clients = os.path.join(main, "tests", "install")
        for name in CLIENTS:
            paths[name] = os.path.join(clients, "install_" + name, "build", "client")
        for name, folder in self.variants.items():
            paths["bench_kernels-" + name] = os.path.join(ROOT, folder, "bin", "bench_kernels")
        return paths

    def facts(self):
        commit = kits.first_line(["git", "-C", ROOT, "describe", "--always", "--dirty",
                                  "--abbrev=12"])
        return {"commit": commit, "nvcc": kits.first_line(["nvcc", "--version"]),
                "arch": self.architectures, "variants": list(self.variants),
                "tuning": self.tuning, "clients": sorted(CLIENTS)}


def libraries_of(program):
    """Name: path of every library that has to come along, whoever needs it."""
    found = {}
    for line in subprocess.run(["ldd", program], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        name, arrow, path = line.strip().partition(" => ")
        if not arrow or SYSTEM.match(name) or NVIDIA.match(name):
            continue
        if path.startswith("not found"):
            raise SystemExit(f"pack: {program} needs {name}, which this machine does not have")
        found[name] = path.split(" ")[0]
    return found


def archive_of(path, files):
    """Files by their names in the archive."""
    with lzma.open(path, "wb", filters=COMPRESSION) as compressed, \
            tarfile.open(fileobj=compressed, mode="w") as archive:
        for name, source in sorted(files.items()):
            archive.add(os.path.realpath(source), arcname=name)


def demand(programs):
    missing = [path for path in programs.values() if not os.path.exists(path)]
    if missing:
        raise SystemExit("pack: not built: " + ", ".join(missing))


def copy_programs(folder, programs, lists):
    """The programs, stripped, with `lists` beside them, and their libraries."""
    libraries = {}
    with tempfile.TemporaryDirectory() as scratch:
        files = {}
        for name, source in programs.items():
            files[name] = os.path.join(scratch, name)
            subprocess.run(["strip", "-o", files[name], source], check=True)
            libraries.update(libraries_of(source))
        for name, text in lists.items():
            files[name] = os.path.join(scratch, name)
            with open(files[name], "w", encoding="utf-8") as file:
                file.write(text)
        os.makedirs(folder, exist_ok=True)
        archive_of(os.path.join(folder, ARCHIVE), files)
    archive_of(os.path.join(folder, kits.LIBRARIES), libraries)


def copy_scripts(folder):
    for name in ("gpu_check", "bench_step"):
        shutil.copytree(os.path.join(ROOT, "apps", name), os.path.join(folder, "apps", name),
                        ignore=shutil.ignore_patterns("__pycache__", "pack.py"))
    # What is beside them are sources.
    shutil.copytree(os.path.join(ROOT, "apps", "bench_kernels"),
                    os.path.join(folder, "apps", "bench_kernels"),
                    ignore=lambda _, names: [name for name in names if not name.endswith(".py")])
    start = os.path.join(folder, "gpu_check")
    with open(start, "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\nhere=$(dirname "$0")\n'
                   'exec python3 "$here/apps/gpu_check/gpu_check.py" --prebuilt "$here" "$@"\n')
    os.chmod(start, 0o755)


def lists_of(builds):
    """Name: text of what the programs would have to be asked for on the other machine."""
    programs = os.path.join(ROOT, builds.main, "bin")
    cases = subprocess.run([os.path.join(programs, "bench_kernels"), "--device", "cpu",
                            "--benchmark_list_tests"], check=True, capture_output=True, text=True)
    with open(os.path.join(programs, "gpu_tests.txt"), encoding="utf-8") as file:
        return {"gpu_tests.txt": file.read(), "bench_cases.txt": cases.stdout}


def copy_facts(folder, builds):
    os.makedirs(os.path.join(folder, "kernels"))
    shutil.copy2(os.path.join(ROOT, "kernels", "sass_budget.json"),
                 os.path.join(folder, "kernels"))
    with open(os.path.join(folder, "kit.json"), "w", encoding="utf-8") as file:
        json.dump(builds.facts(), file, indent=2)


def fill(folder, builds, with_data):
    programs = builds.programs()
    demand(programs)
    copy_programs(folder, programs, lists_of(builds))
    copy_scripts(folder)
    copy_facts(folder, builds)
    shutil.copytree(os.path.join(ROOT, "models", "specs"), os.path.join(folder, "specs"))
    if with_data:
        shutil.copytree(DATA, os.path.join(folder, "data"))


def sizes_of(folder):
    """Bytes by the top of their path."""
    sizes = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            part = os.path.relpath(path, folder).split(os.sep)[0]
            sizes[part] = sizes.get(part, 0) + os.path.getsize(path)
    return sizes


def verdict(folder, small):
    """Prints what takes the room; the exit code."""
    sizes = sizes_of(folder)
    total = sum(sizes.values())
    for part, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"pack: {size / MIB:7.1f} MiB  {part}")
    print(f"pack: {folder} holds {total / MIB:.1f} MiB of at most {LIMIT // MIB}"
          + (f", expected {SMALL // MIB}" if small else ""))
    if total > LIMIT:
        print("pack: too large to be carried", file=sys.stderr)
        return 1
    if small and total > SMALL:
        print("pack: larger than expected", file=sys.stderr)
    return 0


def architectures(text):
    names = text.replace(";", ",").split(",")
    if not all(re.fullmatch(r"[1-9][0-9]+[af]?", name) for name in names):
        raise argparse.ArgumentTypeError(f"{text!r} is no list such as 90 or 80,90")
    return sorted(set(names), key=lambda name: int(name.rstrip("af")))


def main():
    parser = argparse.ArgumentParser(prog="./run gpu --pack", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", help="must not exist yet, or be empty")
    parser.add_argument("--no-data", action="store_true",
                        help="without Fashion-MNIST; steps that need it look for it elsewhere")
    parser.add_argument("--arch", type=architectures, default=DEFAULT_ARCHITECTURES,
                        metavar="90,..", help="GPUs to compile for (default: 80,90)")
    parser.add_argument("--variants", action="store_true",
                        help="also bench_kernels with kernels of other parameters, those of "
                             "variants.json")
    parser.add_argument("--plan", action="store_true",
                        help="only print which folders have to be built, with options of CMake")
    args = parser.parse_args()
    folder = os.path.abspath(args.folder)
    if os.path.exists(folder) and (not os.path.isdir(folder) or os.listdir(folder)):
        print(f"pack: {folder} is not empty", file=sys.stderr)
        return 2
    builds = Builds(args.arch, read_variants() if args.variants else {})
    if args.plan:
        print(builds.plan())
        return 0
    fill(folder, builds, with_data=not args.no_data)
    return verdict(folder, args.no_data and len(args.arch) == 1 and not args.variants)


if __name__ == "__main__":
    sys.exit(main())
