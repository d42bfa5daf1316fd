#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# headers_in_cuda.sh NVCC SOURCE: nvcc accepts the public headers in a CUDA source. That each of them
# stands alone is shown by headers_alone.sh; this is about the dialect, so all go into one file.
set -euo pipefail
nvcc="$1" source="$2"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
includes=()
for folder in kernels engine models data; do
  includes+=("-I$source/$folder/include")
  (cd "$source/$folder/include" && find . -name '*.h' -printf '#include "%P"\n') >>"$work/all.cu"
done
[ "$(wc -l <"$work/all.cu")" -ge 40 ]
for standard in 17 20; do
  "$nvcc" -std="c++$standard" -arch=sm_80 -Werror all-warnings -Xcompiler=-Wall,-Wextra,-Werror \
    "${includes[@]}" -c "$work/all.cu" -o "$work/all.o"
done
echo "nvcc accepts $(wc -l <"$work/all.cu") headers as C++17 and C++20"
