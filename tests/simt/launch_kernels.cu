// SPDX-License-Identifier: Apache-2.0
#include "simt/launch_kernels.h"

#include "cuda/launch.cuh"

namespace accrete::test {
namespace {

using namespace kernels::cuda;

__global__ void __launch_bounds__(32) through_shared(float* out) {
  ACCRETE_SHARED_ARRAY(float, values, [kStaticBytes / sizeof(float)]);
  ACCRETE_DYNAMIC_SHARED(bytes);
  if (threadIdx.x == 0) {
    values[0] = 3.0F;
    bytes[0] = 4;
    *out = values[0] + static_cast<float>(bytes[0]);
  }
}

__global__ void __launch_bounds__(32) large_arrays(float* out) {
  ACCRETE_SHARED_ARRAY(float, values, [2048]);
  if (threadIdx.x == 0) {
    values[0] = 3.0F;
    *out = values[0];
  }
}

}  // namespace

void launch_shared(const Stream& stream, float* out, std::uint32_t dynamic_bytes) {
  launch(stream, "through_shared", &through_shared, {1, 32, dynamic_bytes}, out);
}

void submit_shared(void* recorder, float* out, std::size_t dynamic_bytes, dim3 grid, dim3 block,
                   std::size_t parameter_bytes) {
  simt::submit(recorder,
               {"through_shared", grid, block, dynamic_bytes, shared_kernel(), parameter_bytes},
               [out] { through_shared(out); });
}

const void* shared_kernel() {
  return reinterpret_cast<const void*>(&through_shared);
}

void launch_large_arrays(const Stream& stream, float* out) {
  launch(stream, "large_arrays", &large_arrays, {1, 32}, out);
}

}  // namespace accrete::test
