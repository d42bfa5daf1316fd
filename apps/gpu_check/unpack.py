#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""unpack.py DIR: the programs of a kit that pack.py made, into DIR/bin, if they are not there."""
import os
import shutil
import sys
import tarfile

ARCHIVE = "bin.tar.xz"


def extract(archive, target):
    """All of an archive. Pythons that know filters want one named."""
    filtered = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(archive) as file:
        file.extractall(target, **filtered)


def unpack(folder):
    archive = os.path.join(folder, ARCHIVE)
    target = os.path.join(folder, "bin")
    if os.path.isdir(target) or not os.path.exists(archive):
        return
    part = target + ".part"  # of an earlier try that was cut short
    shutil.rmtree(part, ignore_errors=True)
    extract(archive, part)
    os.rename(part, target)


if __name__ == "__main__":
    unpack(sys.argv[1])
