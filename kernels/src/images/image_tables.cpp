// SPDX-License-Identifier: Apache-2.0
#include "images/image_tables.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>

#include "call/operands.h"

namespace accrete::kernels {
namespace {

void check_transform(const ImageTransform& t) {
  const std::int64_t extents[] = {t.height, t.width, t.channels, t.resized_height, t.resized_width};
  const auto [least, most] = std::minmax_element(std::begin(extents), std::end(extents));
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (*least < 1 || *most > kMost) {
    fail("image_batch", "an extent of the transform is " +
                            std::to_string(*least < 1 ? *least : *most) + ", allowed are 1 to " +
                            std::to_string(kMost));
  }
  const auto channels = static_cast<std::size_t>(t.channels);
  if (t.mean.size() != channels || t.std.size() != channels) {
    fail("image_batch", "mean has " + std::to_string(t.mean.size()) + " and std " +
                            std::to_string(t.std.size()) + " entries for " +
                            std::to_string(channels) + " channels");
  }
}

AxisTap* write_taps(AxisTap* taps, std::int64_t in, std::int64_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  for (std::int64_t i = 0; i < out; ++i) {
    const double centre = std::max((static_cast<double>(i) + 0.5) * scale - 0.5, 0.0);
    const std::int64_t low = std::min(static_cast<std::int64_t>(centre), in - 1);
    const std::int64_t high = std::min(low + 1, in - 1);
    *taps++ = {static_cast<std::int32_t>(low), static_cast<std::int32_t>(high),
               static_cast<float>(centre - static_cast<double>(low))};
  }
  return taps;
}

}  // namespace

std::size_t image_tables_bytes(const ImageTransform& transform) {
  check_transform(transform);
  const auto taps = static_cast<std::size_t>(transform.resized_height + transform.resized_width);
  return taps * sizeof(AxisTap) +
         static_cast<std::size_t>(transform.channels) * 256 * sizeof(float);
}

void make_image_tables(const ImageTransform& transform, void* tables) {
  check_transform(transform);
  if (tables == nullptr) {
    fail("image_batch", "tables is a null pointer");
  }
  require_aligned("image_batch", "tables", tables, kTablesAlignment);
  auto* taps = static_cast<AxisTap*>(tables);
  taps = write_taps(taps, transform.height, transform.resized_height);
  taps = write_taps(taps, transform.width, transform.resized_width);
  auto* values = reinterpret_cast<float*>(taps);
  for (std::size_t c = 0; c < transform.mean.size(); ++c) {
    for (int byte = 0; byte < 256; ++byte) {
      *values++ = static_cast<float>((byte / 255.0 - transform.mean[c]) / transform.std[c]);
    }
  }
}

}  // namespace accrete::kernels
