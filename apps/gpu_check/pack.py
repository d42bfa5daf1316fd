#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pack.py DIR: copies what gpu_check needs from build/cuda into a folder that runs elsewhere.

DIR/gpu_check starts it there. The other machine needs x86-64 Linux with a glibc no older than this
one's, Python 3.9, the NVIDIA driver, and libcublas and libcublasLt of the toolkit (or of the packages
that come with PyTorch): they are too large to be taken along, linked statically or not. Everything
else that the programs link is in DIR/lib.tar.xz.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

import kit as kits

LIMIT = 64 << 20
PROGRAMS = ("train", "cuda_tests_gpu", "bench_kernels")
DATA = "/usr/share/datasets/fashion-mnist"
# Part of the system or of the driver and toolkit of the other machine.
NOT_TAKEN = re.compile(r"^(ld-linux|linux-vdso|libc\.|libm\.|libdl\.|librt\.|libpthread\.|libresolv\."
                       r"|libcublas|libcuda\.)")


def copy_program(source, target, libraries):
    shutil.copy2(source, target)
    subprocess.run(["strip", target], check=True)
    for line in subprocess.run(["ldd", source], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        name, _, path = line.strip().partition(" => ")
        if path and not NOT_TAKEN.match(name):
            libraries[name] = path.split(" ")[0]


def copy_scripts(folder):
    for name in ("gpu_check", "bench_step"):
        source = os.path.join(os.path.dirname(kits.HERE), name)
        shutil.copytree(source, os.path.join(folder, "apps", name),
                        ignore=shutil.ignore_patterns("__pycache__", "pack.py"))
    start = os.path.join(folder, "gpu_check")
    with open(start, "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\nhere=$(dirname "$0")\n'
                   'exec python3 "$here/apps/gpu_check/gpu_check.py" --prebuilt "$here" "$@"\n')
    os.chmod(start, 0o755)


def fill(folder, kit):
    os.makedirs(os.path.join(folder, "bin"))
    libraries = {}
    programs = {name: kit.program(name) for name in PROGRAMS} | kit.clients
    for name, source in programs.items():
        copy_program(source, os.path.join(folder, "bin", name), libraries)
    with tarfile.open(os.path.join(folder, kits.LIBRARIES), "w:xz") as archive:
        for name, source in libraries.items():
            archive.add(os.path.realpath(source), arcname=name)
    shutil.copy2(kit.program("gpu_tests.txt"), os.path.join(folder, "bin"))
    shutil.copytree(kit.specs, os.path.join(folder, "specs"))
    shutil.copytree(DATA, os.path.join(folder, "data"))
    copy_scripts(folder)
    with open(os.path.join(folder, "kit.json"), "w", encoding="utf-8") as file:
        json.dump(kit.facts, file, indent=2)


def size_of(folder):
    return sum(os.path.getsize(os.path.join(where, name))
               for where, _, names in os.walk(folder) for name in names)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", help="must not exist yet, or be empty")
    folder = os.path.abspath(parser.parse_args().folder)
    if os.path.isdir(folder) and os.listdir(folder):
        print(f"pack: {folder} is not empty", file=sys.stderr)
        return 2
    fill(folder, kits.from_build())
    size = size_of(folder)
    print(f"pack: {folder} holds {size / (1 << 20):.1f} MiB of at most {LIMIT >> 20}")
    if size > LIMIT:
        print("pack: too large to be carried", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
