#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Predicts a training step on a GPU from its plan and the machine code of its kernels.

  predict.py --inspect build/release/bin/inspect
  predict.py --inspect build/release/bin/inspect --spec my.json --set training.batch_size=64
  predict.py --inspect build/release/bin/inspect --gpu h200 --rates measured.json --output out.json

Without --spec: DenseNet-121 and the net of the Dive into Deep Learning chapter, 256 images, bf16.
What a kernel issues per unit of work is in the budget, which sass_check.py writes from compiled
code, what a GPU can do in gpu_rates.py, what limits a launch in prediction.py. No GPU is needed.

Exit codes: 0 done, 1 failure, 2 usage."""
import json
import os
import sys

import gpu_rates
import sass_budget
import step_calls
import step_graph
from command_line import Refusal, make_parser, run
from prediction import RESOURCES, Prediction

HERE = os.path.dirname(os.path.abspath(__file__))
FORMAT = "accrete prediction"
COLUMNS = (("family", 20), ("launches", 8), ("G instr", 8)) + tuple(
    (name, 7) for name in RESOURCES) + (("ms", 8), ("share", 6), ("binds", 9))


def default_budget():
    """In the repository, or beside this file."""
    paths = [os.path.join(HERE, "..", "..", "kernels", "sass_budget.json"),
             os.path.join(HERE, "sass_budget.json")]
    return next((os.path.normpath(p) for p in paths if os.path.exists(p)), paths[0])


def parsed(argv):
    parser = make_parser(__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--inspect", metavar="PROGRAM", help="the inspect program")
    source.add_argument("--graph", metavar="FILE.json",
                        help="what inspect SPEC --device cuda --graph json printed")
    parser.add_argument("--spec", help="of the run to predict")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="override a key of the spec (repeatable)")
    parser.add_argument("--gpu", action="append", metavar="h100|h200|FILE.json",
                        help="or a file of its rates (repeatable; default: both)")
    parser.add_argument("--budget", metavar="FILE.json", default=default_budget(),
                        help="instructions of the kernels (default: kernels/sass_budget.json)")
    parser.add_argument("--rates", metavar="FILE.json", help="measured rates, as in gpu_rates.py")
    parser.add_argument("--output", metavar="FILE.json", help="write the numbers, too")
    arguments = parser.parse_args(argv)
    if arguments.set and not arguments.spec:
        parser.error("--set needs --spec")
    if arguments.graph and arguments.spec:
        parser.error("--spec needs --inspect")
    return arguments


def graphs(arguments):
    """(title, graph) of all nets."""
    if arguments.graph:
        return [(arguments.graph, step_graph.read(arguments.graph))]
    if arguments.spec:
        return [(arguments.spec, step_graph.planned(arguments.inspect, arguments.spec,
                                                    arguments.set))]
    return list(step_graph.default_nets(arguments.inspect))


def cells(row):
    return " ".join(text.ljust(width) if i == 0 else text.rjust(width)
                    for i, (text, (_, width)) in enumerate(zip(row, COLUMNS)))


def family_row(family, whole):
    return ([family.name, "%g" % family.launches, "%.2f" % (family.instructions / 1e9)] +
            ["%.3f" % (1e3 * family.best[name]) for name in RESOURCES] +
            ["%.3f" % (1e3 * family.seconds), "%.1f%%" % (100 * family.seconds / whole),
             family.binds()])


def print_table(title, rates, found):
    print("%s on %s" % (title, rates["name"]))
    print("  " + cells([name for name, _ in COLUMNS]))
    for family in found.families:
        print("  " + cells(family_row(family, found.seconds)))
    print("  predicted  %.2f ms a step, %d launches: %.0f images/s" %
          (1e3 * found.seconds, found.launches, found.rate()))
    print("  at a perfect issue rate %.2f ms; bytes alone %.2f ms (%.2f GB): %.0f images/s" %
          (1e3 * found.issue_seconds, 1e3 * found.byte_seconds, found.bytes / 1e9,
           found.rate(found.byte_seconds)))
    for title, ceilings in (("at a share of whatever binds", found.at_ceiling),
                            ("waiting for the last blocks of each launch", found.uneven)):
        print("  %s: %s images/s" % (title, ", ".join(
            "%d %% %.0f" % (100 * share, found.rate(seconds))
            for share, seconds in sorted(ceilings.items(), reverse=True))))
    print()


def print_legend(all_rates):
    print("Columns issue to memory: ms if that were all, at 100 % of its rate. ms: as predicted, "
          "with launches.\nA launch that computes two gradients counts half for each.")
    assumed = [name for name in gpu_rates.ASSUMED if any(name in r.assumed for r in all_rates)]
    if assumed:
        print("Assumed, not measured:")
    for name in assumed:
        values = [json.dumps(rates[name]) for rates in all_rates if name in rates.assumed]
        print("  %-22s %s" % (name, " and ".join(dict.fromkeys(values))))


def family_json(family):
    return {"launches": family.launches, "instructions": round(family.instructions),
            "ms": round(1e3 * family.seconds, 4), "binds": family.binds(),
            "ms_at_best": {name: round(1e3 * family.best[name], 4) for name in RESOURCES}}


def prediction_json(title, rates, found):
    return {"net": title, "gpu": rates["name"], "batch": found.batch,
            "launches": found.launches, "ms": round(1e3 * found.seconds, 4),
            "images_per_second": round(found.rate(), 1),
            "bytes": found.bytes,
            "images_per_second_of_bytes": round(found.rate(found.byte_seconds), 1),
            "ms_of_issue": round(1e3 * found.issue_seconds, 4),
            "images_per_second_at_ceiling": {"%g" % share: round(found.rate(seconds), 1)
                                             for share, seconds in found.at_ceiling.items()},
            "families": {family.name: family_json(family) for family in found.families}}


def write_json(path, arguments, all_rates, rows):
    document = {"format": FORMAT, "version": 1, "budget": os.path.basename(arguments.budget),
                "rates": {rates["name"]: {**rates.numbers, "assumed": rates.assumed}
                          for rates in all_rates},
                "predictions": rows}
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=1) + "\n")
    except OSError as error:
        raise Refusal("cannot write %s: %s" % (path, error.strerror)) from error


def predict(arguments):
    budget = sass_budget.load(arguments.budget)
    all_rates = [gpu_rates.rates_of(gpu, arguments.rates)
                 for gpu in arguments.gpu or sorted(gpu_rates.GPUS)]
    rows = []
    for title, graph in graphs(arguments):
        calls = step_calls.step_calls(graph, budget)
        for rates in all_rates:
            found = Prediction(calls, budget, rates, graph)
            print_table(title, rates, found)
            rows.append(prediction_json(title, rates, found))
    print_legend(all_rates)
    if arguments.output:
        write_json(arguments.output, arguments, all_rates, rows)


def main(argv=None):
    arguments = parsed(argv)
    return run("predict", lambda: predict(arguments))


if __name__ == "__main__":
    sys.exit(main())
