// SPDX-License-Identifier: Apache-2.0
#include "simt/planted/count.h"

#include "cuda/launch.cuh"

namespace accrete::test {
namespace {

using namespace kernels::cuda;

constexpr int kBins = 64;

__global__ void count_values(const int* values, int count, int* histogram) {
  ACCRETE_SHARED_ARRAY(int, counts, [kBins]);
  counts[threadIdx.x] = 0;
  __syncthreads();
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) {
    const int bin = values[i];
    atomicAdd(&counts[bin], 1);
  }
  __syncthreads();
  atomicAdd(&histogram[threadIdx.x], counts[threadIdx.x]);
}

}  // namespace

void launch_count(const Stream& stream, const int* values, int count, int* histogram) {
  launch(stream, "count", &count_values,
         {static_cast<unsigned>((count + kBins - 1) / kBins), kBins}, values, count, histogram);
}

}  // namespace accrete::test
