// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accrete/kernels/stream.h"

namespace accrete::test {

/// histogram[v] += how often v, in [0, 64), occurs among the `count` values: sums of blocks in
/// shared memory, then one global sum, both by atomics.
void launch_count(const Stream& stream, const int* values, int count, int* histogram);

}  // namespace accrete::test
