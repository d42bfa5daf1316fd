#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# no_spills.sh LIBRARY: the inner tiles of the matrix product must keep their vectors in registers.
# Register allocation is fragile; a tile that spills is correct and half as fast, which no other
# test would notice. Fails if a vector instruction of a tile touches the stack, or if the tiles
# cannot be found. Tiles that take pairs of bfloat16 apart are let off: see words-inl.h.
set -euo pipefail

objdump -dC --no-show-raw-insn "$1" | awk '
  /^[0-9a-f]+ <.*>:$/ { tile = ($0 ~ /N_AVX[23]::(dot|outer)_tile</ && $0 !~ /SplitPairs/); name = $0; tiles += tile; next }
  tile && /vfmadd|vdpbf16/ { multiply_adds++ }
  tile && /%[xyz]mm/ && /\(%r[sb]p/ { print "spill in " name ": " $0; spills++ }
  END {
    printf "%d tiles, %d multiply-adds, %d spills\n", tiles, multiply_adds, spills
    exit (spills > 0 || tiles < 30 || multiply_adds < 600)
  }'
