// SPDX-License-Identifier: Apache-2.0
#include "simt/launch_kernels.h"

#include "cuda/launch.cuh"

namespace accrete::test {
namespace {

using namespace kernels::cuda;

__global__ void write_global(float* out, int count) {
  if (static_cast<int>(threadIdx.x) < count) {
    out[threadIdx.x] = 1.0F;
  }
}

__global__ void write_shared(int count) {
  ACCRETE_SHARED_ARRAY(float, values, [32]);
  ACCRETE_SHARED_ARRAY(float, neighbour, [32]);
  // The bound of an array is for other checkers; stores that nothing reads must stay.
  volatile float* first = values;
  if (static_cast<int>(threadIdx.x) < count) {
    first[threadIdx.x] = 1.0F;
  }
  neighbour[threadIdx.x % 32] = 1.0F;
}

}  // namespace

void launch_write_global(const Stream& stream, float* out, int extra) {
  launch(stream, "write_global", &write_global, {1, 64}, out, 32 + extra);
}

void launch_write_shared(const Stream& stream, int extra) {
  launch(stream, "write_shared", &write_shared, {1, 64}, 32 + extra);
}

}  // namespace accrete::test
