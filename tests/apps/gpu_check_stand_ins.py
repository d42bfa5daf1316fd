# SPDX-License-Identifier: Apache-2.0
"""A kit whose programs are all one small shell script, so that gpu_check can be run without a GPU.

What the script does wrong is told by the environment: TROUBLE (exit, hang, garbage, nothing, nan,
weights, skip) and TROUBLE_AT, a pattern of the shell for "program arguments". The file TRACE gets a
line at the start and at the end of each test.
"""
import json
import os
import tarfile

TESTS = "".join(f"{name} {length} [#{name}_test]\n" for name, length in (
    ("ptx_conformance", "short"), ("conv", "full"), ("pool", "full"), ("bf16_ops", "short"),
    ("fused", "short"), ("training", "full")))
CLIENTS = ["client_a", "client_b"]
PROGRAMS = ["train", "cuda_tests_gpu", "bench_kernels", "bench_kernels-wide", *CLIENTS]
TOOLS = ["ncu", "compute-sanitizer", "nvcc", "cuobjdump", "python"]

SCRIPT = r"""#!/bin/sh
name=${0##*/}
trouble=
case "$name $*" in $TROUBLE_AT) trouble=$TROUBLE ;; esac
case $trouble in
  exit) echo "something is broken" >&2; exit 3 ;;
  hang) sleep "${HANG:-600}" & wait ;;  # a killed shell leaves its child behind
  skip) echo "nothing to do here"; exit 77 ;;
esac

# The value behind an option.
value_of() {
  wanted=$1
  shift
  while [ $# -gt 1 ]; do
    if [ "$1" = "$wanted" ]; then echo "$2"; return; fi
    shift
  done
}

# What a program leaves, unless it is in trouble.
leave() {
  case $trouble in
    nothing) ;;
    garbage) echo "}garbage{" >"$1" ;;
    *) printf '%s\n' "$2" >"$1" ;;
  esac
}

train() {
  folder=$(value_of --output "$@")
  mkdir -p "$folder"
  loss=1.5
  weights=same
  [ "$trouble" = nan ] && loss=null
  [ "$trouble" = weights ] && weights=$$
  accuracy='"train_acc": 0.5, "test_acc": 0.5'
  first="\"epoch\": 1, \"train_loss\": 2.0, $accuracy"
  second="\"epoch\": 2, \"train_loss\": $loss, $accuracy"
  leave "$folder/metrics.jsonl" "{$first}
{$second}"
  leave "$folder/timing.jsonl" '{"epoch": 1, "examples_per_second": 1.0, "data_wait_percent": 0}
{"epoch": 2, "examples_per_second": 1234.5, "data_wait_percent": 0}'
  leave "$folder/model.safetensors" "$weights"
  echo "peak memory 100.5 MiB (planned 100.0 MiB), bytes copied by concat: 0"
}

cases() {
  leave "$(value_of --rows "$@")" '{"context": {"gpu": "none"}}
{"name": "a", "microseconds": 1.0}
{"name": "b", "microseconds": 2.0}'
}

step_comparison() {
  leave "$(value_of --output "$@")" '{"results": {"net": {"accrete": [200.0], "best_layout": "best",
    "pytorch 2": {"best": [100.0]}, "ratio": 2.0,
    "peak_memory_mib": {"accrete": 10.0, "pytorch 2": {"best": 30.0}}}}}'
}

profile() {
  log=$(value_of --log-file "$@")
  if [ -z "$log" ]; then echo '"gpu__time_duration.sum"'; exit 0; fi
  leave "$log" '==PROF== Connected
"ID","Kernel Name","gpu__time_duration.sum","smsp__inst_executed.sum","dram__bytes_read.sum"
"","","ns","inst","byte"
"0","void kernel<T1>(T1)","12,500","1,234,567","n/a"'
  exit 9  # as a program that ncu has ended
}

case "$name $*" in *--version*) echo "$name 1.0"; exit 0 ;; esac
case $name in
  train) train "$@" ;;
  cuda_tests_gpu)
    if [ -n "$TRACE" ]; then
      echo "begin $*" >>"$TRACE"
      sleep 0.2
      echo "end $*" >>"$TRACE"
    fi ;;
  bench_kernels*) cases "$@" ;;
  ncu) profile "$@" ;;
  compute-sanitizer) echo "========= ERROR SUMMARY: 0 errors" ;;
  python)
    case $1 in
      -c) echo "package 1.0" ;;
      */compare.py) step_comparison "$@" ;;
      */cudnn_fused.py) cases "$@" ;;
    esac ;;
esac
exit 0
"""


def write(path, text, executable=False):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    if executable:
        os.chmod(path, 0o755)


def make_kit(folder, tools=tuple(TOOLS), data=True):
    """A kit in `folder`, and the tools in `folder`/tools."""
    for name in PROGRAMS:
        write(os.path.join(folder, "bin", name), SCRIPT, executable=True)
    for name in tools:
        write(os.path.join(folder, "tools", name), SCRIPT, executable=True)
    write(os.path.join(folder, "bin", "gpu_tests.txt"), TESTS)
    write(os.path.join(folder, "kit.json"), json.dumps(
        {"commit": "none", "clients": CLIENTS, "variants": ["wide"]}))
    os.makedirs(os.path.join(folder, "specs"))
    if data:
        os.makedirs(os.path.join(folder, "data"))
    with tarfile.open(os.path.join(folder, "lib.tar.xz"), "w:xz"):
        pass
