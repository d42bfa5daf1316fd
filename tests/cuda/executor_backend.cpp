// SPDX-License-Identifier: Apache-2.0
// Kernel tests on the CUDA kernels, run by the host executor in forward and in reverse order.
#include "cuda/backend.h"
#include "kernels/backend.h"
#include "simt/executor.h"

namespace accrete::test {
namespace {

// Host memory: that is what the executor's kernels read.
const bool kMemoryIsChosen = [] {
  memory_space().device = {DeviceKind::cuda, 0};
  return true;
}();

}  // namespace

Stream test_stream(int number) {
  simt::set_schedule({number % 2 == 0 ? simt::Order::forward : simt::Order::reverse});
  return Stream::cuda(0, nullptr, kernels::cuda::backend());
}

std::vector<std::string> arithmetics() {
  return {"f32"};
}

Arithmetic::Arithmetic(std::size_t /*index*/) {}
Arithmetic::~Arithmetic() = default;

}  // namespace accrete::test
