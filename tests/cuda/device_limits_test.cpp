// SPDX-License-Identifier: Apache-2.0
// Convolutions with much in shared memory on GPUs that have little: they are launched all the same,
// by a smaller tile where the usual one is too large, and the results are right.
#include <algorithm>
#include <array>

#include "kernels/conv_case.h"
#include "kernels/conv_problems.h"
#include "simt/executor.h"

using namespace accrete;
using namespace accrete::test;

namespace {

constexpr simt::DeviceLimits kDevices[] = {simt::kSm90, simt::kSm80, simt::kSm89};

constexpr BackwardParts kBothGradients{Through::batch_norm, true, GradMode::accumulate};

class OnDevice {
 public:
  explicit OnDevice(const simt::DeviceLimits& limits) { simt::set_device_limits(limits); }
  ~OnDevice() { simt::set_device_limits(simt::kSm90); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
};

Run run_of(DType dtype, FloatMath math) {
  return {test_stream(1).with_float_math(math), layouts()[0], layouts()[0], dtype};
}

void expect_right(const ConvCase& data, DType dtype, FloatMath math) {
  const Run run = run_of(dtype, math);
  check_outputs(forward_outputs(data, run), expected_forwards(data, dtype));
  check_outputs(dgrad_outputs(data, run), expected_dgrads(data, dtype));
  check_outputs(wgrad_outputs(data, run), expected_wgrads(data));
}

// The most shared memory of a launch of both gradients, and what the kernel is.
std::pair<std::size_t, const void*> backward_launch(const ConvCase& data) {
  std::array<std::uint32_t, kTicketCount> tickets{};
  simt::Recorder recorder{true, {}};
  const Stream stream = Stream::cuda(0, &recorder, test_stream(0).backend())
                            .with_tickets({tickets.data(), kTicketCount});
  run_backward(data, Run{stream, layouts()[2], layouts()[0], DType::bf16}, kBothGradients);
  std::pair<std::size_t, const void*> most{0, nullptr};
  for (const auto& [grid, body] : recorder.launches) {
    most = std::max(most, {grid.dynamic_shared_bytes, grid.kernel});
  }
  return most;
}

}  // namespace

// Its gradients need between 46 and 48 KiB beside the arrays: more than 48 KiB in all.
TEST_CASE("launches just below the limit of kernels that were not allowed more") {
  const ConvCase data({1, 3, 3, 300, 40, 1, 1, 1, 1, 0, 0});
  for (const simt::DeviceLimits& device : kDevices) {
    INFO(device.name);
    const OnDevice limits(device);
    expect_right(data, DType::f32, FloatMath::strict);
    expect_right(data, DType::f32, FloatMath::tf32);
    expect_right(data, DType::bf16, FloatMath::strict);
  }
}

TEST_CASE("a tile that is too large for the GPU gives way to a smaller one") {
  const ConvCase data({1, 3, 3, 136, 1200, 1, 1, 1, 1, 0, 0});
  const auto wide = backward_launch(data);
  CHECK(wide.first > simt::kSm89.shared_bytes_per_block);
  for (const simt::DeviceLimits& device : kDevices) {
    INFO(device.name);
    const OnDevice limits(device);
    const auto launched = backward_launch(data);
    CHECK(launched.first < device.shared_bytes_per_block);
    const bool fits = wide.first < device.shared_bytes_per_block;
    CHECK((launched.second == wide.second) == fits);
    expect_right(data, DType::bf16, FloatMath::strict);
    check_outputs(run_backward(data, run_of(DType::bf16, FloatMath::strict), kBothGradients),
                  expected_backward(data, kBothGradients, DType::bf16));
  }
}
