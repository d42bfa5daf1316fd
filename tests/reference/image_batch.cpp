// SPDX-License-Identifier: Apache-2.0
#include "reference/operations.h"

#include <algorithm>
#include <cmath>

namespace accrete::reference {
namespace {

// Value of channel c at a position between pixels; centres are whole numbers here.
double bilinear(const kernels::ImageTransform& t, const std::vector<std::uint8_t>& bytes, double y,
                double x, std::int64_t c) {
  const auto at = [&](double row, double column) {
    const auto r = std::clamp<std::int64_t>(static_cast<std::int64_t>(row), 0, t.height - 1);
    const auto s = std::clamp<std::int64_t>(static_cast<std::int64_t>(column), 0, t.width - 1);
    const auto channel = static_cast<std::size_t>(c);
    const double byte = bytes[static_cast<std::size_t>((r * t.width + s) * t.channels + c)];
    return (byte / 255.0 - t.mean[channel]) / t.std[channel];
  };
  const double top = std::floor(y);
  const double left = std::floor(x);
  const double down = y - top;
  const double right = x - left;
  return (1 - down) * ((1 - right) * at(top, left) + right * at(top, left + 1)) +
         down * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1));
}

double source(std::int64_t position, std::int64_t from, std::int64_t to) {
  return (static_cast<double>(position) + 0.5) * static_cast<double>(from) /
             static_cast<double>(to) -
         0.5;
}

}  // namespace

std::vector<double> batch_image(const kernels::ImageTransform& t,
                                const std::vector<std::uint8_t>& bytes,
                                const kernels::ImagePick& pick, std::int64_t P, std::int64_t Q) {
  std::vector<double> image;
  for (std::int64_t p = 0; p < P; ++p) {
    for (std::int64_t q = 0; q < Q; ++q) {
      const std::int64_t y = pick.top + p;
      const std::int64_t x = pick.left + (pick.flip != 0 ? Q - 1 - q : q);
      const bool outside = y < 0 || y >= t.resized_height || x < 0 || x >= t.resized_width;
      for (std::int64_t c = 0; c < t.channels; ++c) {
        image.push_back(outside ? 0.0
                                : bilinear(t, bytes, source(y, t.height, t.resized_height),
                                           source(x, t.width, t.resized_width), c));
      }
    }
  }
  return image;
}

}  // namespace accrete::reference
