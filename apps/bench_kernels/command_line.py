# SPDX-License-Identifier: Apache-2.0
"""What predict.py and machine_code.py have in common as programs: a command line explained by the
docstring, and failures that are one sentence."""
import argparse
import sys


class Refusal(Exception):
    """Why a program cannot go on: what, where, and what to do."""


def make_parser(docstring):
    """A parser that explains itself by the docstring's first paragraph, and below by the rest."""
    description, epilog = docstring.split("\n\n", 1)
    return argparse.ArgumentParser(description=description, epilog=epilog,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)


def run(program, work):
    """The exit code of a program that does `work` and refuses by a Refusal."""
    try:
        work()
    except Refusal as error:
        print("%s: %s" % (program, error), file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # whoever read has seen enough
    return 0
