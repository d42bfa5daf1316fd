#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# headers_alone.sh COMPILER STANDARD SOURCE: every public header must compile by itself.
set -euo pipefail
compiler="$1" standard="$2" source="$3"
includes=()
for folder in kernels engine models data; do includes+=("-I$source/$folder/include"); done
checked=0
while read -r header; do
  echo "#include \"$header\"" |
    "$compiler" -std="c++$standard" -fsyntax-only -Wall -Wextra -Wpedantic -Werror \
      "${includes[@]}" -x c++ -
  checked=$((checked + 1))
done < <(find "$source"/{kernels,engine,models,data}/include -name '*.h' | sort)
# An empty list would pass for the wrong reason.
echo "$checked headers compile alone as C++$standard"
[ "$checked" -ge 40 ]
