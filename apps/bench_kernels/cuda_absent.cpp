// SPDX-License-Identifier: Apache-2.0
// The GPU of a build without CUDA.
#include "accrete/kernels/error.h"
#include "bench_device.h"

namespace accrete::bench {

std::unique_ptr<BenchDevice> make_cuda_bench_device(int /*index*/, bool /*naive*/) {
  throw Error(ErrorCode::unsupported, "this build has no CUDA backend");
}

}  // namespace accrete::bench
