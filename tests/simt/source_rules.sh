#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# source_rules.sh SOURCE: what only the files at the border to CUDA may contain. The host executor
# can neither run inline PTX nor watch over arrays it does not know.
set -euo pipefail
cd "$1/kernels/src"
status=0
# allow PATTERN FILE...: PATTERN may stand in these files only.
allow() {
  local pattern="$1" found
  shift
  found=$(grep -rnE "$pattern" --include='*.cu' --include='*.cuh' . | grep -vE "^\./($(IFS='|'; echo "$*")):" || true)
  if [ -n "$found" ]; then
    echo "only $* may contain $pattern:"
    echo "$found"
    status=1
  fi
}
allow '\basm\b' cuda/ptx.cuh
allow '<<<' cuda/launch.cuh
allow '\b__shared__\b' cuda/platform.cuh
allow '#include <cuda' cuda/platform.cuh
allow 'atomicAdd\(float' none
# Without bounds the compiler may give a kernel more registers than its threads can have.
unbounded=$(grep -rnE '__global__' --include='*.cu' --include='*.cuh' . | grep -v __launch_bounds__ || true)
if [ -n "$unbounded" ]; then
  echo "kernels without __launch_bounds__:"
  echo "$unbounded"
  status=1
fi
[ "$(find . -name '*.cu' | wc -l)" -ge 20 ] || { echo "no kernels found"; status=1; }
exit $status
