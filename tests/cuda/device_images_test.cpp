// SPDX-License-Identifier: Apache-2.0
// Batches that a device makes from bytes, with the set in its memory and without.
#include "accrete/engine/device_images.h"

#include <memory>
#include <vector>

#include "accrete/kernels/error.h"
#include "cuda/test_runtime.h"
#include "reference/operations.h"
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

// One batch on the device.
struct MadeBatch {
  MadeBatch(DeviceRuntime& runtime, const std::vector<kernels::ImagePick>& picks_in)
      : picks(picks_in),
        shape{static_cast<std::int64_t>(picks.size()), 8, 8, 2},
        memory(std::make_unique<Arena>(runtime, shape.elements() * 4 + shape.n * 4)),
        images(memory->at(0), shape, DType::f32, runtime.stream().device()),
        labels(memory->at(shape.elements() * 4), {shape.n, 1, 1, 1}, DType::i32, images.device) {}

  void check(DeviceRuntime& runtime, const Bytes& bytes) const {
    std::vector<float> made(static_cast<std::size_t>(shape.elements()));
    std::vector<std::int32_t> classes(picks.size());
    runtime.download(made.data(), images.data, shape.elements() * 4);
    runtime.download(classes.data(), labels.data, shape.n * 4);
    runtime.synchronize();
    for (std::size_t i = 0; i < picks.size(); ++i) {
      const float* got = made.data() + i * 8 * 8 * 2;
      const auto expected =
          reference::batch_image(kTransform, bytes.image(picks[i].image), picks[i], 8, 8);
      CHECK(difference({got, got + 8 * 8 * 2}, expected, {4e-6, 2e-6}) == "");
      CHECK(classes[i] == 6 - picks[i].image);
    }
  }

  std::vector<kernels::ImagePick> picks;
  Shape shape;
  std::unique_ptr<Arena> memory;
  TensorView images, labels;
};

// Batches are queued without waiting, as in training, so that copies run beside kernels.
void check_batches(DeviceRuntime& runtime, DeviceImages& images, const Bytes& bytes) {
  std::vector<MadeBatch> batches;
  for (const std::vector<kernels::ImagePick>& picks : std::vector<std::vector<kernels::ImagePick>>{
           {{3}, {0}, {6}, {3}}, {{1, -1, 2, 1}, {2, 3, 3, 0}}, {{5}}, {{4}, {5}, {6}, {0}}}) {
    batches.emplace_back(runtime, picks);
  }
  for (const MadeBatch& batch : batches) {
    images.make_batch(batch.picks, batch.images, batch.labels);
  }
  for (const MadeBatch& batch : batches) {
    batch.check(runtime, bytes);
  }
}

}  // namespace

TEST_CASE("a set that fits lies in device memory") {
  const auto runtime = make_test_runtime();
  Bytes bytes;
  DeviceImages images(*runtime, bytes.set(), kTransform, kLargestBatch);
  CHECK(images.resident());
  CHECK(images.bytes() >= kSet.elements());
  const Bytes original;
  bytes.pixels.assign(bytes.pixels.size(), 0);  // the host's copy is no longer needed
  check_batches(*runtime, images, original);
}

TEST_CASE("a set that does not fit is copied batch by batch") {
  const auto runtime = make_test_runtime();
  const Bytes bytes;
  DeviceImages images(*runtime, bytes.set(), kTransform, kLargestBatch, ImageResidence::host);
  CHECK(!images.resident());
  check_batches(*runtime, images, bytes);
}

TEST_CASE("picks that do not fit are refused") {
  const auto runtime = make_test_runtime();
  const Bytes bytes;
  DeviceImages images(*runtime, bytes.set(), kTransform, kLargestBatch);
  CHECK_THROWS_WITH(images.make_batch({{7}}, {}, {}),
                    Catch::Matchers::Contains("no image 7 in a set of 7"));
  CHECK_THROWS_WITH(images.make_batch({{0}, {0}, {0}, {0}, {0}}, {}, {}),
                    Catch::Matchers::Contains("5 images asked for, the largest batch has 4"));
}
