// SPDX-License-Identifier: Apache-2.0
// Dropout: one Philox call makes the mask of four neighbouring elements.
#include "cpu/dropout.h"

#include <algorithm>
#include <array>

namespace accrete::kernels::cpu {
namespace {

constexpr std::int64_t kPixelsPerTask = 256;

struct Mask {
  float rate;
  float scale;
  RandomKey key;
};

// Elements [first, first + count) of the numbering pixel * C + channel.
void dropout_row(const Mask& mask, std::int64_t first, std::int64_t count, const float* x, float* y,
                 GradMode mode) {
  std::array<std::uint32_t, 4> words{};
  for (std::int64_t c = 0; c < count; ++c) {
    const std::int64_t element = first + c;
    if (c == 0 || element % 4 == 0) {
      words = philox(mask.key, static_cast<std::uint64_t>(element / 4));
    }
    const bool keep = uniform_from_bits(words[static_cast<std::size_t>(element % 4)]) >= mask.rate;
    const float value = keep ? x[c] * mask.scale : 0.0F;
    y[c] = mode == GradMode::accumulate ? y[c] + value : value;
  }
}

}  // namespace

void dropout(ThreadPool& pool, float rate, const RandomKey& key, const ConstTensorView& x,
             const TensorView& y, GradMode mode) {
  const Mask mask{rate, 1.0F / (1.0F - rate), key};
  const std::int64_t pixels = x.shape.pixels();
  const std::int64_t channels = x.shape.c;
  const std::int64_t tasks = (pixels + kPixelsPerTask - 1) / kPixelsPerTask;
  pool.parallel_for(tasks, [&](std::int64_t task) {
    const std::int64_t end = std::min(pixels, (task + 1) * kPixelsPerTask);
    for (std::int64_t pixel = task * kPixelsPerTask; pixel < end; ++pixel) {
      dropout_row(mask, pixel * channels, channels, x.f32() + pixel * x.pitch,
                  y.f32() + pixel * y.pitch, mode);
    }
  });
}

}  // namespace accrete::kernels::cpu
