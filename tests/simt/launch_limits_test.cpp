// SPDX-License-Identifier: Apache-2.0
// Launches keep to the limits of the device, and the executor refuses those that do not, as a
// driver would.
#include "cuda/launch_limits.h"

#include <string>

#include "accrete/kernels/error.h"
#include "call/backend.h"
#include "simt/launch_kernels.h"
#include "support/catch.h"

using namespace accrete;
using namespace accrete::test;
using namespace accrete::kernels::cuda;
using Catch::Matchers::Contains;

namespace {

constexpr std::uint32_t kKiB = 1024;

Stream executor_stream(void* recorder = nullptr) {
  static const kernels::Backend no_ops{};
  return Stream::cuda(0, recorder, no_ops);
}

template <class Call>
std::string error_of(ErrorCode code, const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.code() == code);
    return error.what();
  }
  return "";
}

float shared_result(std::uint32_t dynamic_bytes) {
  float out = 0.0F;
  launch_shared(executor_stream(), &out, dynamic_bytes);
  return out;
}

std::string refusal(std::size_t dynamic_bytes, dim3 grid = 1, dim3 block = 32,
                    std::size_t parameter_bytes = 8) {
  float out = 0.0F;
  return error_of(ErrorCode::device_failure, [&] {
    submit_shared(nullptr, &out, dynamic_bytes, grid, block, parameter_bytes);
  });
}

// A launch that keeps to all limits but the one under test.
std::string limit_error(const Extent3& grid, const Extent3& block, const KernelFacts& kernel) {
  return error_of(ErrorCode::internal, [&] {
    check_launch("op", {grid, block, 1024}, kernel, {227 * kKiB});
  });
}

}  // namespace

// First of all: nothing has been allowed yet, and the executor does not know the kernel's arrays.
TEST_CASE("a kernel that was not allowed more has 48 KiB, static and dynamic together") {
  CHECK_THAT(refusal(48 * kKiB),
             Contains("an array of 2048 bytes makes shared memory exceed the 49152 bytes"));
  CHECK_THAT(refusal(48 * kKiB), Contains("the launch would be refused: shared bytes 51200"));
  CHECK_THAT(refusal(100 * kKiB), Contains("the launch would be refused"));
  CHECK(refusal(46 * kKiB) == "");
  CHECK(simt::static_shared_bytes(shared_kernel()) == kStaticBytes);
}

TEST_CASE("launches are allowed what they need, whatever the static part is") {
  for (std::uint32_t kib = 1; kib <= 221; ++kib) {
    INFO(kib << " KiB");
    REQUIRE(shared_result(kib * kKiB) == 7.0F);
  }
}

TEST_CASE("what a kernel was allowed is never taken back") {
  float out = 0.0F;
  simt::Recorder recorder{true, {}};
  launch_shared(executor_stream(&recorder), &out, 120 * kKiB);
  launch_shared(executor_stream(&recorder), &out, 60 * kKiB);
  recorder.recording = false;
  CHECK_NOTHROW(recorder.replay());
  CHECK(out == 7.0F);
  // And this is what would happen if it were.
  simt::allow_dynamic_shared(shared_kernel(), 60 * kKiB);
  CHECK_THAT(error_of(ErrorCode::device_failure, [&] { recorder.replay(); }),
             Contains("[through_shared] the launch would be refused: shared bytes"));
  simt::allow_dynamic_shared(shared_kernel(), 221 * kKiB);
}

TEST_CASE("a launch keeps to the shared memory of its GPU") {
  const auto needs = [](std::uint32_t bytes) {
    return error_of(ErrorCode::unsupported, [&] { shared_result(bytes); });
  };
  for (const simt::DeviceLimits& device : {simt::kSm90, simt::kSm80, simt::kSm89}) {
    INFO(device.name);
    simt::set_device_limits(device);
    const auto most =
        static_cast<std::uint32_t>(device.shared_bytes_per_block) - kMostStaticSharedBytes;
    CHECK_NOTHROW(shared_result(most));
    CHECK_THAT(needs(most + 16),
               Contains("[through_shared] needs " +
                        std::to_string(device.shared_bytes_per_block + 16) + " bytes of shared") &&
                   Contains("this GPU has " + std::to_string(device.shared_bytes_per_block)));
    CHECK_THAT(refusal(device.shared_bytes_per_block), Contains(device.name));
    CHECK_THAT(error_of(ErrorCode::device_failure,
                        [&] {
                          simt::allow_dynamic_shared(shared_kernel(),
                                                     device.shared_bytes_per_block - 16);
                        }),
               Contains(std::string(device.name) + " allows"));
  }
  simt::set_device_limits(simt::kSm90);
}

TEST_CASE("the executor refuses what a driver refuses") {
  CHECK(refusal(64) == "");
  CHECK_THAT(refusal(64, dim3(1, 65536)), Contains("blocks in y 65536, sm_90 allows 65535"));
  CHECK_THAT(refusal(64, dim3(1, 1, 65536)), Contains("blocks in z 65536"));
  CHECK_THAT(refusal(64, dim3(0x80000000U)), Contains("blocks in x 2147483648"));
  CHECK_THAT(refusal(64, 1, 1025), Contains("threads 1025, sm_90 allows 1024"));
  CHECK_THAT(refusal(64, 1, dim3(1, 1, 65)), Contains("threads in z 65"));
  CHECK_THAT(refusal(64, 1, 0), Contains("no threads"));
  CHECK_THAT(refusal(64, 1, 32, 32768), Contains("bytes of parameters 32768"));
  float out = 0.0F;
  simt::Recorder recorder{true, {}};
  CHECK_THAT(
      error_of(ErrorCode::device_failure, [&] { submit_shared(&recorder, &out, 64, 1, 1025); }),
      Contains("threads 1025"));
  CHECK(recorder.launches.empty());
}

TEST_CASE("the gateway names the extent at fault") {
  const KernelFacts kernel{1024, 256};
  CHECK(limit_error({0x7FFFFFFF, 65535, 65535}, {256, 1, 1}, kernel) == "");
  CHECK_THAT(limit_error({0x80000000, 1, 1}, {32, 1, 1}, kernel),
             Contains("[op] launch with grid.x"));
  CHECK_THAT(limit_error({1, 65536, 1}, {32, 1, 1}, kernel), Contains("grid.y 65536"));
  CHECK_THAT(limit_error({1, 1, 65536}, {32, 1, 1}, kernel), Contains("grid.z 65536"));
  CHECK_THAT(limit_error({1, 1, 1}, {1, 1, 65}, kernel), Contains("block.z 65"));
  // As many as its registers leave room for.
  CHECK_THAT(limit_error({1, 1, 1}, {16, 17, 1}, kernel),
             Contains("threads 272, the limit is 256"));
  CHECK_THAT(limit_error({1, 1, 1}, {1025, 1, 1}, {1024, 2048}), Contains("threads 1025"));
  CHECK_THAT(limit_error({1, 1, 1}, {32, 1, 1}, {kMostStaticSharedBytes + 1, 256}),
             Contains("static shared bytes 6145"));
}

TEST_CASE("a kernel with too large arrays is refused once they are known") {
  float out = 0.0F;
  CHECK_NOTHROW(launch_large_arrays(executor_stream(), &out));
  CHECK_THAT(error_of(ErrorCode::internal, [&] { launch_large_arrays(executor_stream(), &out); }),
             Contains("[large_arrays] launch with static shared bytes 8192"));
}

TEST_CASE("parameters are laid out like a struct") {
  struct Odd {
    std::uint64_t a;
    char b;
  };
  CHECK(parameter_bytes<>() == 0);
  CHECK(parameter_bytes<char, double, char>() == 17);
  CHECK(parameter_bytes<float, Odd, float>() == 28);
}
