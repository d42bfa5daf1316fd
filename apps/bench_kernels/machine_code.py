#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions, loops and registers of compiled kernels.

  machine_code.py build/cuda/kernels/libaccrete_kernels.a --kernel 'backward/bf16'
  machine_code.py listing.sass --usage usage.txt

Reads objects, cubins, executables and libraries through cuobjdump, or what `cuobjdump -sass` and
`cuobjdump -res-usage` printed. Names are as in kernel_table.py where a kernel is described there,
else demangled. sass_check.py compares the same with kernels/sass_budget.json.

Exit codes: 0 done, 1 failure, 2 usage."""
import os
import re
import shutil
import subprocess
import sys

import control_flow
import kernel_table
import sass
import sass_budget
from command_line import Refusal, make_parser, run

USAGE = re.compile(r"Function (\S+):\s*\n\s*(REG:.*)")
TOOLKITS = ("/usr/local/cuda/bin", "/opt/cuda/bin")


class MissingTool(Refusal):
    """A program that reads machine code is not installed."""


def tool(name, given=None):
    path = shutil.which(given or name)
    if not path and not given:
        path = next((found for folder in TOOLKITS if (found := shutil.which(name, path=folder))), None)
    if not path:
        raise MissingTool("there is no %s here: put %s into PATH%s" %
                          (given or name, name,
                           " or name it by --cuobjdump" if name == "cuobjdump" else ""))
    return path


def output(command, text=None):
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True,
                              input=text).stdout
    except OSError as error:
        raise Refusal("cannot run %s: %s" % (command[0], error)) from error
    except subprocess.CalledProcessError as error:
        raise Refusal("%s failed: %s" % (" ".join(command), error.stderr.strip()[-500:])) from error


def is_listing(path):
    """Whether a file is text, as cuobjdump prints it."""
    try:
        with open(path, "rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise Refusal("cannot read %s: %s" % (path, error.strerror)) from error
    return b"\0" not in start and not start.startswith(b"!<arch>")


def dumped(path, cuobjdump, arch):
    """Listing and resource usage of a binary, as text."""
    chosen = ["-arch", arch] if path.endswith((".a", ".o", ".so")) else []
    return (output([cuobjdump, "-sass"] + chosen + [path]),
            output([cuobjdump, "-res-usage"] + chosen + [path]))


def read(path, arguments):
    """Listing and resource usage of one file, as text."""
    if not is_listing(path):
        return dumped(path, tool("cuobjdump", arguments.cuobjdump), arguments.arch)
    texts = []
    for text in (path, arguments.usage):
        with open(text or os.devnull, encoding="utf-8", errors="replace") as file:
            texts.append(file.read())
    return texts


def usages(text):
    """Function -> what -res-usage says, as numbers."""
    return {name: {key: int(number) for key, number in re.findall(r"([A-Z]+):(\d+)", row)}
            for name, row in USAGE.findall(text)}


def demangled(names):
    if not names:
        return []
    return output([tool("c++filt")], "\n".join(names) + "\n").splitlines()


def named(listing):
    """(mangled name, demangled name, kernel or None, instructions) of a listing."""
    functions = list(sass.functions(listing.splitlines()))
    for (name, body), clear in zip(functions, demangled([name for name, _ in functions])):
        yield name, clear, kernel_table.kernel_of(clear), body


def text_of(kinds):
    rows = sorted(kinds.items(), key=lambda row: (-row[1], row[0]))
    return "%g: %s" % (sum(kinds.values()), " ".join("%s=%g" % row for row in rows))


def print_kernel(clear, kernel, flow, usage):
    print(kernel.key if kernel else clear)
    if usage:
        print("  registers %(REG)d, shared %(SHARED)d, stack %(STACK)d" % usage)
    rare = [block for block in flow.blocks if block.rare]
    print("  outside of loops  %s" % text_of(control_flow.count(flow.outside())))
    print("  64-bit divisions, not counted  %d" % sum(control_flow.count(rare).values()))
    waiting = list(reversed(flow.loops))
    while waiting:
        loop = waiting.pop()
        print("  %sloop at %#x, own  %s" % ("  " * loop.depth, loop.header.start,
                                            text_of(loop.own())))
        waiting.extend(reversed(loop.inner))
    for part, kinds in sorted(sass_budget.measured(kernel, flow).items()) if kernel else ():
        print("  per %-15s %s" % (part, text_of(kinds)))


def inspect(arguments):
    matched = False
    for path in arguments.files:
        listing, usage_text = read(path, arguments)
        usage = usages(usage_text)
        for name, clear, kernel, body in named(listing):
            if re.search(arguments.kernel, kernel.key if kernel else clear):
                matched = True
                flow = control_flow.Flow(kernel.key if kernel else clear, body)
                print_kernel(clear, kernel, flow, usage.get(name))
    if not matched:
        raise Refusal("no kernel matches '%s'" % arguments.kernel)


def parsed(argv):
    parser = make_parser(__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="binaries or listings")
    parser.add_argument("--kernel", default="", metavar="REGEX",
                        help="of the name as it is printed (default: all)")
    parser.add_argument("--arch", default="sm_90", help="of a file with several (default: sm_90)")
    parser.add_argument("--usage", metavar="FILE", help="output of cuobjdump -res-usage")
    parser.add_argument("--cuobjdump", metavar="PATH", help="default: in PATH or the toolkit")
    return parser.parse_args(argv)


def main(argv=None):
    arguments = parsed(argv)
    return run("machine_code", lambda: inspect(arguments))


if __name__ == "__main__":
    sys.exit(main())
