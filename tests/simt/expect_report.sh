#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# expect_report.sh KIND PLACE PROGRAM ARGUMENT...: the program must die with AddressSanitizer's
# report of KIND (heap-buffer-overflow, ...) that names PLACE, a source file.
set -uo pipefail
kind="$1" place="$2"
shift 2
output=$("$@" 2>&1)
status=$?
[ "$status" -ne 0 ] || { echo "$* ended well"; exit 1; }
grep -q "ERROR: AddressSanitizer: $kind" <<<"$output" && grep -q "$place:" <<<"$output" && exit 0
echo "no $kind at $place; exit status $status, output:"
echo "$output"
exit 1
