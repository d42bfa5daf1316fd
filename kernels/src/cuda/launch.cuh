// SPDX-License-Identifier: Apache-2.0
// The gateway of all kernel launches: limits and errors are checked in one place, and profilers see
// the op's name.
#pragma once

#include <tuple>
#include <utility>

#include "accrete/kernels/stream.h"
#include "cuda/launch_limits.h"
#include "cuda/platform.cuh"
#if defined(ACCRETE_SIMT)
#include "simt/executor.h"
#else
#include <nvtx3/nvToolsExt.h>

#include "cuda/cuda_calls.h"
#endif

namespace accrete::kernels::cuda {

/// Blocks that cover `count` items.
inline unsigned blocks_for(std::int64_t count, int per_block) {
  return static_cast<unsigned>((count + per_block - 1) / per_block);
}

struct LaunchShape {
  dim3 grid;
  dim3 block;
  std::uint32_t dynamic_shared_bytes = 0;
};

#if defined(ACCRETE_SIMT)

inline DeviceLimits device_limits(int /*index*/) {
  return {static_cast<std::uint32_t>(simt::device_limits().shared_bytes_per_block)};
}
// The executor has learned of the arrays of kernels that have run.
inline KernelFacts kernel_facts(const char* /*op*/, const void* kernel, int /*index*/) {
  return {static_cast<std::uint32_t>(simt::static_shared_bytes(kernel)), 1024};
}
inline void allow_dynamic_shared(const char* /*op*/, const void* kernel, std::uint32_t bytes) {
  simt::allow_dynamic_shared(kernel, bytes);
}

#endif

/// Dynamic shared memory that every kernel can have on GPU number `index`.
inline std::uint32_t dynamic_shared_limit(int index) {
  return device_limits(index).shared_bytes_per_block - kMostStaticSharedBytes;
}

/// Checks the launch against kernel and device, and allows its shared memory.
inline void prepare_launch(const char* op, const void* kernel, int index,
                           const LaunchShape& shape) {
  const std::uint32_t dynamic = shape.dynamic_shared_bytes;
  check_launch(op,
               {{shape.grid.x, shape.grid.y, shape.grid.z},
                {shape.block.x, shape.block.y, shape.block.z},
                dynamic},
               kernel_facts(op, kernel, index), device_limits(index));
  shared_allowances().raise(index, kernel, dynamic,
                            [&] { allow_dynamic_shared(op, kernel, dynamic); });
}

/// Queues kernel(arguments...) on the stream. Nothing is launched for an empty grid. Throws what
/// check_launch throws, and Error(device_failure) when the launch is refused; `op` names the
/// caller.
template <class... P, class... A>
void launch(const Stream& stream, const char* op, void (*kernel)(P...), const LaunchShape& shape,
            A&&... arguments) {
  static_assert(parameter_bytes<P...>() <= kMostParameterBytes);
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) {
    return;
  }
  const auto* code = reinterpret_cast<const void*>(kernel);
  prepare_launch(op, code, stream.device().index, shape);
#if defined(ACCRETE_SIMT)
  std::tuple<P...> values(static_cast<P>(std::forward<A>(arguments))...);
  simt::submit(
      stream.native(),
      {op, shape.grid, shape.block, shape.dynamic_shared_bytes, code, parameter_bytes<P...>()},
      [kernel, values] { std::apply(kernel, values); });
#else
  nvtxRangePushA(op);
  kernel<<<shape.grid, shape.block, shape.dynamic_shared_bytes,
           static_cast<cudaStream_t>(stream.native())>>>(
      static_cast<P>(std::forward<A>(arguments))...);
  const cudaError_t status = cudaGetLastError();
  nvtxRangePop();
  check_cuda(status, op, "kernel launch");
#endif
}

}  // namespace accrete::kernels::cuda
