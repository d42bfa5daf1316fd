// SPDX-License-Identifier: Apache-2.0
#include "accrete/data/resize.h"

#include <algorithm>
#include <cmath>

namespace accrete::data {

std::vector<ImageTransform::Tap> ImageTransform::taps(std::int64_t in, std::int64_t out) {
  std::vector<Tap> result;
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  for (std::int64_t i = 0; i < out; ++i) {
    const double centre = std::max((static_cast<double>(i) + 0.5) * scale - 0.5, 0.0);
    const auto low = std::min(static_cast<std::int64_t>(centre), in - 1);
    result.push_back(
        {low, std::min(low + 1, in - 1), static_cast<float>(centre - static_cast<double>(low))});
  }
  return result;
}

ImageTransform::ImageTransform(std::int64_t height, std::int64_t width, std::int64_t channels,
                               std::int64_t out_height, std::int64_t out_width,
                               const std::vector<double>& mean, const std::vector<double>& std)
    : height_(height),
      width_(width),
      channels_(channels),
      rows_(taps(height, out_height)),
      columns_(taps(width, out_width)),
      normalised_(static_cast<std::size_t>(height * width * channels)),
      same_size_(height == out_height && width == out_width) {
  for (std::int64_t c = 0; c < channels; ++c) {
    for (int byte = 0; byte < 256; ++byte) {
      const auto channel = static_cast<std::size_t>(c);
      value_.push_back(static_cast<float>((byte / 255.0 - mean[channel]) / std[channel]));
    }
  }
}

void ImageTransform::apply(const std::uint8_t* image, float* out) {
  float* normalised = same_size_ ? out : normalised_.data();
  const std::int64_t pixels = height_ * width_;
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (std::int64_t c = 0; c < channels_; ++c) {
      const std::int64_t i = pixel * channels_ + c;
      normalised[i] = value_[static_cast<std::size_t>(c * 256 + image[i])];
    }
  }
  if (same_size_) {
    return;
  }
  for (const Tap& row : rows_) {
    const float* upper = normalised + row.low * width_ * channels_;
    const float* lower = normalised + row.high * width_ * channels_;
    for (const Tap& column : columns_) {
      for (std::int64_t c = 0; c < channels_; ++c) {
        const std::int64_t left = column.low * channels_ + c;
        const std::int64_t right = column.high * channels_ + c;
        const float top = upper[left] + column.weight * (upper[right] - upper[left]);
        const float bottom = lower[left] + column.weight * (lower[right] - lower[left]);
        *out++ = top + row.weight * (bottom - top);
      }
    }
  }
}

}  // namespace accrete::data
