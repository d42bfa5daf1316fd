// SPDX-License-Identifier: Apache-2.0
// Kernels made for tests of the executor: one with static and dynamic shared memory, launched with
// and without the gateway of launches, and two that write behind an array.
#pragma once

#include <cstddef>

#include "accrete/kernels/stream.h"
#include "simt/executor.h"

namespace accrete::test {

constexpr std::size_t kStaticBytes = 2048;

/// *out = 7, through both kinds of shared memory.
void launch_shared(const Stream& stream, float* out, std::uint32_t dynamic_bytes);

/// The same by the executor alone, which is not told what the kernel needs. The extents are the
/// caller's.
void submit_shared(void* recorder, float* out, std::size_t dynamic_bytes, dim3 grid = 1,
                   dim3 block = 32, std::size_t parameter_bytes = 8);

/// What identifies the kernel.
const void* shared_kernel();

/// One whose arrays are larger than those of kernels may be.
void launch_large_arrays(const Stream& stream, float* out);

/// Writes elements [0, 32 + extra) of `out`, which has 32.
void launch_write_global(const Stream& stream, float* out, int extra);
/// The same to a shared array of 32.
void launch_write_shared(const Stream& stream, int extra);

}  // namespace accrete::test
