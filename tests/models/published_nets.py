#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares a training step of the published nets with PyTorch.

  published_nets.py TEST_PROGRAM

Lets PyTorch compute the steps in float64 and runs the test on the arrays. Exit code 77 (skipped)
where this Python has no PyTorch.
"""
import os
import subprocess
import sys
import tempfile

SKIPPED = 77


def main():
    try:
        import torch  # noqa: F401
    except ImportError:
        print(f"skipped: {sys.executable} has no PyTorch; configure with -DACCRETE_TORCH_PYTHON=")
        return SKIPPED
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
    from make_densenets import PUBLISHED, build
    from steps import step, write_safetensors
    with tempfile.TemporaryDirectory() as folder:
        for name, net in PUBLISHED.items():
            write_safetensors(f"{folder}/densenet_{name}.safetensors", step(build, net))
        environment = {**os.environ, "ACCRETE_PUBLISHED_ARRAYS": folder}
        return subprocess.run([sys.argv[1]], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
