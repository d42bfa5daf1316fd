// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accrete/kernels/stream.h"

namespace accrete::test {

/// Writes elements [0, 32 + extra) of `out`, which has 32.
void launch_write_global(const Stream& stream, float* out, int extra);
/// The same to a shared array of 32.
void launch_write_shared(const Stream& stream, int extra);

}  // namespace accrete::test
