// SPDX-License-Identifier: Apache-2.0
#include "simt/executor.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "accrete/kernels/error.h"
#include "call/backend.h"
#include "simt/executor_kernels.h"
#include "support/catch.h"

using namespace accrete;
using namespace accrete::test;
using Catch::Matchers::Contains;

namespace {

Stream executor_stream(void* native = nullptr) {
  static const kernels::Backend no_ops{};
  return Stream::cuda(0, native, no_ops);
}

const simt::Order kOrders[] = {simt::Order::forward, simt::Order::reverse, simt::Order::random};

std::vector<float> counting(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0F);
  return values;
}

std::vector<float> neighbour_sums(bool barrier) {
  const std::vector<float> in = counting(2 * 96);
  std::vector<float> out(in.size(), -1.0F);
  launch_neighbour_sum(executor_stream(), in.data(), out.data(), 2, 96, barrier);
  return out;
}

std::string misuse_error(Misuse misuse) {
  try {
    launch_misuse(executor_stream(), misuse);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::device_failure);
    return error.what();
  }
  return "";
}

// Small whole numbers, different everywhere, exact in bf16 and tf32.
std::vector<float> matrix(std::size_t rows, std::size_t columns, unsigned seed) {
  std::vector<float> values(rows * columns);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>((i * 7 + i / columns * 5 + seed) % 23) - 11.0F;
  }
  return values;
}

std::vector<float> product(const std::vector<float>& a, const std::vector<float>& b,
                           std::size_t k) {
  std::vector<float> c(16 * 8, 0.0F);
  for (std::size_t m = 0; m < 16; ++m) {
    for (std::size_t n = 0; n < 8; ++n) {
      for (std::size_t i = 0; i < k; ++i) {
        c[m * 8 + n] += a[m * k + i] * b[n * k + i];
      }
    }
  }
  return c;
}

}  // namespace

TEST_CASE("threads of a block see each other's writes behind a barrier") {
  for (const simt::Order order : kOrders) {
    simt::set_schedule({order});
    const std::vector<float> out = neighbour_sums(true);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t neighbour = i / 96 * 96 + (i + 1) % 96;
      REQUIRE(out[i] == 2.0F * static_cast<float>(i + 1) + static_cast<float>(neighbour + 1));
    }
  }
  simt::set_schedule({});
}

TEST_CASE("a missing barrier shows as NaN") {
  for (const simt::Order order : {simt::Order::forward, simt::Order::reverse}) {
    simt::set_schedule({order});
    const std::vector<float> out = neighbour_sums(false);
    CHECK(std::any_of(out.begin(), out.end(), [](float v) { return std::isnan(v); }));
  }
  simt::set_schedule({});
}

TEST_CASE("shuffles and shared memory sum a block") {
  const std::vector<float> in = counting(3 * 256);
  for (const simt::Order order : kOrders) {
    simt::set_schedule({order});
    std::vector<float> out(3, -1.0F);
    launch_block_sum(executor_stream(), in.data(), out.data(), 3, 256);
    for (std::size_t block = 0; block < 3; ++block) {
      CHECK(out[block] == 256.0F * (256.0F * static_cast<float>(block) + 128.5F));
    }
  }
  simt::set_schedule({});
}

TEST_CASE("a ballot holds the lanes of its mask") {
  std::vector<int> in(32);
  std::iota(in.begin(), in.end(), 0);
  in[4] = 5;
  in[6] = 7;
  in[9] = 9;  // odd, but not in the mask
  std::vector<std::uint32_t> out(32, 0);
  launch_partial_ballot(executor_stream(), in.data(), out.data());
  for (std::size_t lane = 0; lane < 32; lane += 2) {
    CHECK(out[lane] == (1U << 4U | 1U << 6U));
  }
}

TEST_CASE("broken rules are errors that name kernel, block, thread and place") {
  for (const simt::Order order : kOrders) {
    simt::set_schedule({order});
    CHECK_THAT(misuse_error(Misuse::divergent_barrier), Contains("[misuse] block (") &&
                                                            Contains("divergent __syncthreads") &&
                                                            Contains("executor_kernels.cu:"));
    CHECK_THAT(misuse_error(Misuse::exit_before_barrier), Contains("exited"));
    CHECK_THAT(misuse_error(Misuse::missing_lane),
               Contains("deadlock") && Contains("waits in __shfl_sync"));
    CHECK_THAT(misuse_error(Misuse::outside_mask), Contains("does not hold the calling lane"));
    CHECK_THAT(
        misuse_error(Misuse::absent_source),
        Contains("__shfl_down_sync by lane 15 reads from lane 16, which is not in the mask"));
    CHECK_THAT(misuse_error(Misuse::misaligned_copy), Contains("cp.async of 16 bytes to"));
  }
  simt::set_schedule({});
  CHECK(neighbour_sums(true)[0] == 4.0F);  // the executor goes on after a fault
}

TEST_CASE("mma multiplies what ldmatrix loads") {
  const auto a = matrix(16, 16, 3);
  const auto b = matrix(8, 16, 5);
  for (const bool transposed : {false, true}) {
    std::vector<float> out(16 * 8, NAN);
    launch_mma_bf16(executor_stream(), a.data(), b.data(), out.data(), transposed);
    CHECK(out == product(a, b, 16));
  }
}

TEST_CASE("mma of tf32 fragments") {
  const auto a = matrix(16, 8, 3);
  const auto b = matrix(8, 8, 5);
  std::vector<float> out(16 * 8, NAN);
  launch_mma_tf32(executor_stream(), a.data(), b.data(), out.data());
  CHECK(out == product(a, b, 8));
}

TEST_CASE("cp.async arrives with its wait and not before") {
  const std::vector<float> in = counting(100);
  std::vector<float> out(128, -1.0F);
  launch_async_copy(executor_stream(), in.data(), out.data(), 100, true);
  for (std::size_t i = 0; i < out.size(); ++i) {
    CHECK(out[i] == (i < 100 ? in[i] : 0.0F));
  }
  launch_async_copy(executor_stream(), in.data(), out.data(), 100, false);
  CHECK(std::all_of(out.begin(), out.end(), [](float v) { return std::isnan(v); }));
  simt::set_schedule({simt::Order::forward, simt::AsyncCopies::early});
  launch_async_copy(executor_stream(), in.data(), out.data(), 100, false);
  CHECK(out[99] == 100.0F);
  simt::set_schedule({});
}

TEST_CASE("shared memory starts as NaN in every block") {
  std::vector<float> out(32, 0.0F);
  launch_read_uninitialised(executor_stream(), out.data());
  CHECK(std::all_of(out.begin(), out.end(), [](float v) { return std::isnan(v); }));
}

TEST_CASE("a recorder keeps launches for later") {
  const std::vector<float> in = counting(64);
  std::vector<float> out(2, -1.0F);
  simt::Recorder recorder;
  recorder.recording = true;
  launch_block_sum(executor_stream(&recorder), in.data(), out.data(), 2, 32);
  CHECK(out[0] == -1.0F);
  recorder.recording = false;
  recorder.replay();
  CHECK(out[0] == 528.0F);
  CHECK(out[1] == 528.0F + 32 * 32);
}
