// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/image_batch.h"

#include "kernels/every_run.h"
#include "reference/operations.h"
#include "support/random_fill.h"

using namespace accrete;
using namespace accrete::test;

namespace {

constexpr std::int64_t kImages = 5;

GuardedTensor in_device_memory(const std::vector<std::uint8_t>& bytes, const Shape& shape) {
  return filled(shape, {}, {bytes.begin(), bytes.end()}, DType::u8);
}

GuardedTensor in_device_memory(const std::vector<std::uint8_t>& bytes) {
  return in_device_memory(bytes, channel_vector(static_cast<std::int64_t>(bytes.size())));
}

GuardedTensor in_device_memory(const std::vector<kernels::ImagePick>& picks) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(picks.data());
  return in_device_memory(
      std::vector<std::uint8_t>(begin, begin + picks.size() * sizeof(kernels::ImagePick)));
}

std::vector<std::uint8_t> random_bytes(std::int64_t count) {
  const auto drawn = test::labels(count, 11, 256);
  return {drawn.begin(), drawn.end()};
}

std::vector<std::uint8_t> made_tables(const kernels::ImageTransform& transform) {
  std::vector<std::uint8_t> tables(kernels::image_tables_bytes(transform));
  kernels::make_image_tables(transform, tables.data());
  return tables;
}

// A set in memory that the kernels under test can read.
struct Set {
  explicit Set(const kernels::ImageTransform& transform)
      : shape{kImages, transform.height, transform.width, transform.channels},
        bytes(random_bytes(shape.elements())),
        pixels(in_device_memory(bytes, shape)),
        labels({kImages, 1, 1, 1}, {}, DType::i32),
        tables(in_device_memory(made_tables(transform))) {
    labels.set_labels({3, 1, 4, 1, 5});
  }

  std::vector<std::uint8_t> image(std::int64_t index) const {
    const std::int64_t size = shape.h * shape.w * shape.c;
    return {bytes.begin() + index * size, bytes.begin() + (index + 1) * size};
  }

  kernels::ImageBatch batch(const kernels::ImageTransform& transform, GuardedTensor& picks,
                            const TensorView& images, const TensorView& batch_labels) {
    return {transform,
            tables.view().data,
            {pixels.view(), labels.view()},
            static_cast<const kernels::ImagePick*>(picks.view().data),
            images,
            batch_labels};
  }

  Shape shape;
  std::vector<std::uint8_t> bytes;
  GuardedTensor pixels, labels, tables;
};

std::vector<float> all_rounded(std::vector<float> values) {
  for (float& value : values) {
    value = bf16_rounded(value);
  }
  return values;
}

void check(const kernels::ImageTransform& transform, std::int64_t P, std::int64_t Q,
           const std::vector<kernels::ImagePick>& picks) {
  Set set(transform);
  std::vector<double> expected_images, expected_labels;
  for (const kernels::ImagePick& pick : picks) {
    const auto image = reference::batch_image(transform, set.image(pick.image), pick, P, Q);
    expected_images.insert(expected_images.end(), image.begin(), image.end());
    expected_labels.push_back(
        std::vector<double>{3, 1, 4, 1, 5}[static_cast<std::size_t>(pick.image)]);
  }
  GuardedTensor chosen = in_device_memory(picks);
  const auto N = static_cast<std::int64_t>(picks.size());
  expect_every_run(
      {{expected_images, {4e-6, 2e-6}}, {expected_labels, {}}}, [&](const Run& run) -> Outputs {
        GuardedTensor images = poisoned({N, P, Q, transform.channels}, run.out);
        GuardedTensor labels({N, 1, 1, 1}, run.in, DType::i32);
        GuardedTensor narrow = poisoned(images.view().shape, run.in, DType::bf16);
        for (const TensorView& to : {images.view(), narrow.view()}) {
          run_call(run.stream, set.batch(transform, chosen, to, labels.view()));
        }
        require_undamaged({&images, &labels, &set.pixels, &set.labels, &chosen, &narrow});
        REQUIRE(exact_difference(narrow.values(), all_rounded(images.values())) == "");
        return {images.values(), labels.values()};
      });
}

}  // namespace

TEST_CASE("batches are normalised and resized") {
  const std::vector<kernels::ImagePick> picks = {{4}, {0}, {0}, {2}};
  check({28, 28, 1, 96, 96, {0.25}, {0.5}}, 96, 96, picks);
  check({6, 9, 3, 6, 9, {0.1, 0.2, 0.3}, {1.0, 0.5, 0.25}}, 6, 9, picks);
  check({7, 5, 2, 3, 11, {0.5, 0.0}, {0.3, 1.0}}, 3, 11, picks);
  check({4, 4, 1, 1, 1, {0.0}, {1.0}}, 1, 1, picks);
}

TEST_CASE("windows are cut, mirrored and read 0 outside the image") {
  const std::vector<kernels::ImagePick> picks = {
      {1, -2, 3, 0}, {1, -2, 3, 1}, {3, 2, -4, 1}, {2, 100, 0, 0}, {0, 0, 0, 1}};
  check({8, 8, 3, 8, 8, {0.4, 0.5, 0.6}, {0.2, 0.2, 0.25}}, 8, 8, picks);
  check({5, 6, 1, 10, 13, {0.3}, {0.7}}, 6, 7, picks);
}

TEST_CASE("equal sizes are copied exactly") {
  const kernels::ImageTransform transform{3, 4, 1, 3, 4, {0.0}, {1.0}};
  Set set(transform);
  GuardedTensor picks = in_device_memory(std::vector<kernels::ImagePick>{{2}});
  GuardedTensor images = poisoned({1, 3, 4, 1}, {});
  GuardedTensor labels({1, 1, 1, 1}, {}, DType::i32);
  run_call(test_stream(0), set.batch(transform, picks, images.view(), labels.view()));
  const auto got = images.values();
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i] == static_cast<float>(set.image(2)[i] / 255.0));
  }
}

TEST_CASE("image_batch names what does not fit") {
  const kernels::ImageTransform transform{3, 4, 2, 3, 4, {0.0}, {1.0}};
  CHECK(error_of([&] { (void)kernels::image_tables_bytes(transform); }) ==
        "[image_batch] mean has 1 and std 1 entries for 2 channels");
  const kernels::ImageTransform empty{0, 4, 1, 3, 4, {0.0}, {1.0}};
  CHECK(error_of([&] { (void)kernels::image_tables_bytes(empty); }) ==
        "[image_batch] an extent of the transform is 0, allowed are 1 to 2147483647");
}
