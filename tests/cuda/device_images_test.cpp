// SPDX-License-Identifier: Apache-2.0
// Batches that a device makes from bytes, with the set in its memory and without.
#include "accrete/engine/device_images.h"

#include <vector>

#include "accrete/kernels/error.h"
#include "cuda/executor_runtime.h"
#include "reference/image_batch.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/random_fill.h"

using namespace accrete;
using namespace accrete::test;

namespace {

constexpr Shape kSet{7, 5, 6, 2};
constexpr std::int64_t kLargestBatch = 4;
const kernels::ImageTransform kTransform{5, 6, 2, 8, 8, {0.25, 0.5}, {0.5, 0.25}};

struct Bytes {
  Bytes() {
    for (const std::int32_t byte : test::labels(kSet.elements(), 3, 256)) {
      pixels.push_back(static_cast<std::uint8_t>(byte));
    }
  }
  HostImages set() const { return {pixels.data(), labels.data(), kSet}; }
  std::vector<std::uint8_t> image(std::int32_t index) const {
    const std::int64_t size = kSet.h * kSet.w * kSet.c;
    return {pixels.begin() + index * size, pixels.begin() + (index + 1) * size};
  }
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels = {6, 5, 4, 3, 2, 1, 0};
};

// Batches follow each other without waiting, as in training.
void check_batches(DeviceRuntime& runtime, DeviceImages& images, const Bytes& bytes) {
  const std::vector<std::vector<kernels::ImagePick>> batches = {
      {{3}, {0}, {6}, {3}}, {{1, -1, 2, 1}, {2, 3, 3, 0}}, {{5}}, {{4}, {5}, {6}, {0}}};
  for (const auto& picks : batches) {
    const auto N = static_cast<std::int64_t>(picks.size());
    const Shape shape{N, 8, 8, 2};
    Arena memory(runtime, shape.elements() * 4 + N * 4);
    const Device device = runtime.stream().device();
    const TensorView batch(memory.at(0), shape, DType::f32, device);
    const TensorView labels(memory.at(shape.elements() * 4), {N, 1, 1, 1}, DType::i32, device);
    images.make_batch(picks, batch, labels);
    for (std::size_t i = 0; i < picks.size(); ++i) {
      const float* got = batch.f32() + static_cast<std::int64_t>(i) * 8 * 8 * 2;
      const auto expected =
          reference::batch_image(kTransform, bytes.image(picks[i].image), picks[i], 8, 8);
      CHECK(difference({got, got + 8 * 8 * 2}, expected, {4e-6, 2e-6}) == "");
      CHECK(labels.i32()[i] == 6 - picks[i].image);
    }
  }
}

}  // namespace

TEST_CASE("a set that fits lies in device memory") {
  const auto runtime = make_executor_runtime();
  Bytes bytes;
  DeviceImages images(*runtime, bytes.set(), kTransform, kLargestBatch);
  CHECK(images.resident());
  CHECK(images.bytes() >= kSet.elements());
  const Bytes original;
  bytes.pixels.assign(bytes.pixels.size(), 0);  // the host's copy is no longer needed
  check_batches(*runtime, images, original);
}

TEST_CASE("a set that does not fit is copied batch by batch") {
  const auto runtime = make_executor_runtime(300);
  const Bytes bytes;
  DeviceImages images(*runtime, bytes.set(), kTransform, kLargestBatch);
  CHECK(!images.resident());
  check_batches(*runtime, images, bytes);
}

TEST_CASE("picks that do not fit are refused") {
  const auto runtime = make_executor_runtime();
  const Bytes bytes;
  DeviceImages images(*runtime, bytes.set(), kTransform, kLargestBatch);
  CHECK_THROWS_WITH(images.make_batch({{7}}, {}, {}),
                    Catch::Matchers::Contains("no image 7 in a set of 7"));
  CHECK_THROWS_WITH(images.make_batch({{0}, {0}, {0}, {0}, {0}}, {}, {}),
                    Catch::Matchers::Contains("5 images asked for, the largest batch has 4"));
}
