// SPDX-License-Identifier: Apache-2.0
// Kernel tests on the CUDA kernels, run by the host executor in forward and in reverse order.
#include <algorithm>
#include <array>

#include "accrete/kernels/error.h"
#include "call/backend.h"
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

// Half of the streams have tickets, which every call must leave as it found them.
Stream test_stream(int number) {
  static std::array<std::uint32_t, kTicketCount> tickets{};
  if (std::any_of(tickets.begin(), tickets.end(),
                  [](std::uint32_t ticket) { return ticket != 0; })) {
    throw Error(ErrorCode::internal, "a call has left tickets that are not zero");
  }
  simt::set_schedule({number % 2 == 0 ? simt::Order::forward : simt::Order::reverse});
  const Stream stream = Stream::cuda(0, nullptr, kernels::cuda::backend());
  return number / 2 % 2 == 0 ? stream.with_tickets({tickets.data(), kTicketCount}) : stream;
}

std::vector<std::string> arithmetics() {
  return {"f32"};
}

Arithmetic::Arithmetic(std::size_t /*index*/) {}
Arithmetic::~Arithmetic() = default;

}  // namespace accrete::test
