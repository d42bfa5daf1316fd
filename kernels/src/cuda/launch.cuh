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

#include "cuda/cuda_error.h"
#endif

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

struct LaunchShape {
  dim3 grid;
  dim3 block;
  std::uint32_t dynamic_shared_bytes = 0;
};

/// Queues kernel(arguments...) on the stream. Nothing is launched for an empty grid. Throws
/// Error(internal) for a shape beyond the limits of every GPU supported, Error(device_failure) when
/// the launch is refused; `op` names the caller in both.
template <class... P, class... A>
void launch(const Stream& stream, const char* op, void (*kernel)(P...), const LaunchShape& shape,
            A&&... arguments) {
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) {
    return;
  }
  check_launch_limits(op, {shape.grid.x, shape.grid.y, shape.grid.z},
                      {shape.block.x, shape.block.y, shape.block.z}, shape.dynamic_shared_bytes);
#if defined(ACCRETE_SIMT)
  std::tuple<P...> values(static_cast<P>(std::forward<A>(arguments))...);
  simt::submit(stream.native(), {op, shape.grid, shape.block, shape.dynamic_shared_bytes},
               [kernel, values] { std::apply(kernel, values); });
#else
  nvtxRangePushA(op);
  cudaError_t status = cudaSuccess;
  constexpr std::uint32_t kDefaultLimit = 48U << 10U;
  if (shape.dynamic_shared_bytes > kDefaultLimit) {
    status = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  static_cast<int>(shape.dynamic_shared_bytes));
  }
  if (status == cudaSuccess) {
    kernel<<<shape.grid, shape.block, shape.dynamic_shared_bytes,
             static_cast<cudaStream_t>(stream.native())>>>(
        static_cast<P>(std::forward<A>(arguments))...);
    status = cudaGetLastError();
  }
  nvtxRangePop();
  check_cuda(status, op, "kernel launch");
#endif
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
