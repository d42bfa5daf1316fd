#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times what cuDNN itself can fuse around the convolutions of bench_kernels, in bf16, NHWC, from a
cold L2 cache:

  norm_relu_conv_stats  beside fused_conv/forward: y = conv(relu(scale * x + shift)), and the sums
                        and sums of squares of y per channel
  norm_relu_wgrad       beside fused_conv/wgrad: the weights' gradient from relu(scale * x + shift)
  dgrad_drelu_sums      beside fused_conv/dgrad: dz = dgrad(dy) where scale * x + shift is positive,
                        and the sums of dz and dz * x per channel that batch norm's backward needs
  dgrad_drelu           the same without the sums
  conv, dgrad, wgrad    beside conv/*: the convolution alone

cuDNN's operation for those sums is not part of its Python interface, and none of its graphs takes a
gradient of y that is still to go through a norm, as fused_conv does. A graph that the installed
cuDNN does not take is a row with "error"; of one that it takes, the fastest of its first plans
counts.

Needs PyTorch with a GPU and the package cudnn (nvidia-cudnn-frontend), or exits with 77.
Exit codes: 0 something was timed, 1 nothing, 2 usage, 77 not on this machine.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys

from cudnn_graphs import GRAPHS, Builder, Shape

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BATCHES = {"dn121": 64, "d2l96": 256, "bc100": 64}  # those of bench_kernels on a GPU
CASE = re.compile(r"^conv/forward/(\w+)/(\d+)x\d+(s\d+)?/(\d+)x\d+/(\d+)-(\d+)/")
SLEEP = 1_000_000  # cycles that the GPU waits while the next call is queued
WORKSPACE = 256 << 20
SKIPPED = 77


def shapes_of(names, nets, batch):
    """The stride-1 convolutions among names of cases, each once."""
    shapes = {}
    for name in names:
        found = CASE.match(name)
        if found and not found[3] and found[1] in nets:
            of_case = "/".join(name.split("/")[2:6])
            shapes[of_case] = Shape(of_case, batch or BATCHES[found[1]], int(found[4]),
                                    int(found[5]), int(found[6]), int(found[2]))
    return sorted(shapes.values(), key=lambda shape: nets.index(shape.name.split("/")[0]))


def read_names(args):
    """Of bench_kernels' cases: from a file or from the program; by default from whichever a kit or
    a build has."""
    path = args.shapes
    if not path and not args.bench_kernels:
        listed = os.path.join(ROOT, "bin", "bench_cases.txt")
        path = listed if os.path.exists(listed) else None
    if path:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    built = [os.path.join(ROOT, "build", preset, "bin", "bench_kernels")
             for preset in ("cuda", "release")]
    programs = [args.bench_kernels] if args.bench_kernels else built
    program = next((name for name in programs if os.path.exists(name)), None)
    if program is None:
        raise OSError("no " + " and no ".join(programs) + "; name one by --bench-kernels")
    return subprocess.run([program, "--device", "cpu", "--benchmark_list_tests"], check=True,
                          capture_output=True, text=True).stdout.splitlines()


class Gpu:
    def __init__(self, torch, cudnn, calls, plans):
        self.torch, self.cudnn, self.calls, self.plans = torch, cudnn, calls, plans
        self.handle = cudnn.create_handle()
        cudnn.set_stream(handle=self.handle, stream=torch.cuda.current_stream().cuda_stream)
        properties = torch.cuda.get_device_properties(0)
        self.l2_bytes = getattr(properties, "L2_cache_size", 64 << 20)
        self.written, self.read = (torch.ones(self.l2_bytes // 2, device="cuda") for _ in range(2))
        torch.manual_seed(1)

    def facts(self):
        torch = self.torch
        return {"gpu": torch.cuda.get_device_name(0), "l2_bytes": str(self.l2_bytes),
                "cuda": torch.version.cuda, "pytorch": torch.__version__,
                "cudnn": self.cudnn.backend_version_string(),
                "cudnn_frontend": self.cudnn.__version__}

    def memory_for(self, dim, f32):
        """Numbers of both signs: a GPU is faster on zeros."""
        values = self.torch.randn(dim, device="cuda") * 0.5
        return values.to(self.torch.float32 if f32 else self.torch.bfloat16,
                         memory_format=self.torch.channels_last)

    def seconds(self, call, calls):
        """The median of calls, each from a cache that holds nothing of it."""
        Event = self.torch.cuda.Event
        spans = [(Event(enable_timing=True), Event(enable_timing=True)) for _ in range(calls)]
        call()
        for begin, end in spans:
            self.written.fill_(1.0)
            self.read.sum()
            self.torch.cuda._sleep(SLEEP)  # or launching from Python would count
            begin.record()
            call()
            end.record()
        self.torch.cuda.synchronize()
        return statistics.median(begin.elapsed_time(end) * 1e-3 for begin, end in spans)

    def plan_call(self, graph, plan, memory):
        graph.build_plan_at_index(plan)
        size = max(1, graph.get_workspace_size_plan_at_index(plan))
        if size > WORKSPACE:
            raise RuntimeError(f"plan {plan} needs {size} bytes of workspace")
        workspace = self.torch.empty(size, dtype=self.torch.uint8, device="cuda")
        return lambda: graph.execute_plan_at_index(memory, workspace, plan, handle=self.handle)

    def fastest(self, builder):
        """Seconds of the fastest plan; raises what the last one said if none works."""
        graph = builder.graph
        graph.validate()
        graph.build_operation_graph()
        graph.create_execution_plans([self.cudnn.heur_mode.A, self.cudnn.heur_mode.FALLBACK])
        graph.check_support()
        memory = {tensor: self.memory_for(dim, f32) for tensor, dim, f32 in builder.tensors}
        calls, refusal = [], RuntimeError("cuDNN has no plan")
        for plan in range(graph.get_execution_plan_count()):
            try:
                call = self.plan_call(graph, plan, memory)
                calls.append((self.seconds(call, 3), plan, call))
            except Exception as error:  # pylint: disable=broad-except
                refusal = error  # of another class in every version
            if len(calls) == self.plans:
                break
        if not calls:
            raise refusal
        return self.seconds(min(calls)[2], self.calls)


def row_of(gpu, build, beside, shape):
    row = {"name": f"{beside}/{shape.name}/bf16/cold", "implementation": "cudnn_fused",
           "graph": build.__name__}
    errors = []
    for intermediate in ("BFLOAT16", "FLOAT"):  # which engines there are depends on it
        try:
            builder = Builder(gpu.cudnn, gpu.handle, shape, intermediate)
            build(builder)
            seconds = gpu.fastest(builder)
        except Exception as error:  # pylint: disable=broad-except
            errors.append(f"{intermediate}: {type(error).__name__}: {' '.join(str(error).split())}")
            continue
        return {**row, "intermediate": intermediate, "microseconds": seconds * 1e6,
                "bytes_per_second": builder.bytes() / seconds,
                "flops_per_second": shape.flops() / seconds}
    return {**row, "error": "; ".join(errors)}


def measure(gpu, shapes, graphs, file):
    """Rows as they come; how many were timed."""
    timed = 0
    context = {"command": " ".join(sys.argv), "calls": str(gpu.calls), **gpu.facts()}
    print(json.dumps({"context": context}), file=file, flush=True)
    for build, beside in graphs:
        for shape in shapes:
            row = row_of(gpu, build, beside, shape)
            print(json.dumps(row), file=file, flush=True)
            timed += "error" not in row
            result = row.get("error") or f"{row['microseconds']:10.2f} us"
            print(f"{row['name']:58} {row['graph']:21} {result}", flush=True)
    return timed


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", metavar="FILE", default=os.devnull,
                        help="JSON lines like those of bench_kernels, with the graph's name")
    parser.add_argument("--bench-kernels", metavar="PATH",
                        help="program to ask for shapes (default: that of build/)")
    parser.add_argument("--shapes", metavar="FILE",
                        help="what its --benchmark_list_tests prints (default: the kit's)")
    parser.add_argument("--nets", nargs="+", choices=list(BATCHES), default=["dn121", "d2l96"])
    parser.add_argument("--graphs", nargs="+", choices=[build.__name__ for build, _ in GRAPHS],
                        default=[build.__name__ for build, _ in GRAPHS], metavar="GRAPH")
    parser.add_argument("--batch", type=int, help="images (default: as bench_kernels on a GPU)")
    parser.add_argument("--calls", type=int, default=20, help="timed calls (default: %(default)s)")
    parser.add_argument("--plans", type=int, default=3,
                        help="plans that are tried per graph (default: %(default)s)")
    return parser.parse_args(arguments)


def load():
    """torch and cudnn, or why not."""
    try:
        import torch
        import cudnn
        if not torch.cuda.is_available():
            return None, "PyTorch sees no GPU"
        cudnn.backend_version()
    except Exception as error:  # pylint: disable=broad-except
        return None, f"{type(error).__name__}: {error}"
    return (torch, cudnn), ""


def main(arguments=None):
    args = parse_arguments(arguments)
    modules, reason = load()
    if modules is None:
        print(f"cudnn_fused: needs PyTorch with a GPU and nvidia-cudnn-frontend: {reason}")
        return SKIPPED
    try:
        shapes = shapes_of(read_names(args), args.nets, args.batch)
        file = open(args.rows, "w", encoding="utf-8")  # pylint: disable=consider-using-with
    except (OSError, subprocess.SubprocessError) as error:
        print(f"cudnn_fused: {error}", file=sys.stderr)
        return 2
    graphs = [entry for entry in GRAPHS if entry[0].__name__ in args.graphs]
    with file:
        return 0 if measure(Gpu(*modules, args.calls, args.plans), shapes, graphs, file) else 1


if __name__ == "__main__":
    sys.exit(main())
