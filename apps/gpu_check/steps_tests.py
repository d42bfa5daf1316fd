# SPDX-License-Identifier: Apache-2.0
"""Steps that ask whether results are right: GPU tests, clients, compute-sanitizer. They may share
the GPU: what they take is not measured."""
from concurrent.futures import ThreadPoolExecutor

FIRST = "ptx_conformance"
SANITIZERS = ("memcheck", "racecheck", "initcheck", "synccheck")
FINDING = 9  # exit code of compute-sanitizer that no test has


def in_parallel(check, commands, limit):
    """`commands`: name of the step and command, in the order in which they start."""
    def run(named):
        check.results.check(*named, limit, check.kit.environment())

    with ThreadPoolExecutor(check.jobs) as pool:
        list(pool.map(run, commands))  # the list raises what a thread has raised


def test_commands(check, chosen):
    """Short ones first."""
    tests = sorted(check.kit.tests(), key=lambda test: not test[1])
    return [("test " + name, [check.kit.program("cuda_tests_gpu"), "-#", tags])
            for name, _, tags in tests if chosen(name)]


def conformance(check, limit):
    """The first thing to know about a GPU: does it do what the host executor of the tests does?"""
    in_parallel(check, test_commands(check, lambda name: name == FIRST), limit)


def tests(check, limit):
    in_parallel(check, test_commands(check, lambda name: name != FIRST), limit)


def clients(check, limit):
    in_parallel(check, [("client " + name, [program])
                        for name, program in sorted(check.kit.clients.items())], limit)


def sanitizers(check, limit):
    """compute-sanitizer over the short tests, each tool over all of them before the next tool."""
    reason = check.tools.reason("compute-sanitizer")
    short = [(name, tags) for name, is_short, tags in check.kit.tests() if is_short]
    steps = {f"sanitizer {tool} {name}": (tool, tags)
             for tool in SANITIZERS for name, tags in short}
    if reason:
        for step in steps:
            check.results.skip(step, reason)
        return
    in_parallel(check, [(step, [check.tools.path("compute-sanitizer"), "--tool", tool,
                                "--error-exitcode", str(FINDING),
                                check.kit.program("cuda_tests_gpu"), "-#", tags])
                        for step, (tool, tags) in steps.items()], limit)
