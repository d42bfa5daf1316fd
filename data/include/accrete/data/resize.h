// SPDX-License-Identifier: Apache-2.0
// Bilinear resizing of images on their way into a batch.
#pragma once

#include <cstdint>
#include <vector>

namespace accrete::data {

/// Turns [height, width, channels] bytes into [out_height, out_width, channels] floats:
/// (pixel / 255 - mean) / std, then bilinear interpolation with pixel centres at half-integers and
/// edges repeated (what Pillow and PyTorch do when enlarging; when shrinking no antialiasing is
/// applied). Equal sizes are copied exactly.
class ImageTransform {
 public:
  /// `mean` and `std` have one entry per channel.
  ImageTransform(std::int64_t height, std::int64_t width, std::int64_t channels,
                 std::int64_t out_height, std::int64_t out_width, const std::vector<double>& mean,
                 const std::vector<double>& std);

  void apply(const std::uint8_t* image, float* out);

 private:
  struct Tap {
    std::int64_t low, high;  // source indices
    float weight;            // of `high`
  };
  static std::vector<Tap> taps(std::int64_t in, std::int64_t out);

  std::int64_t height_, width_, channels_;
  std::vector<Tap> rows_, columns_;
  std::vector<float> value_;       // [channel][byte]
  std::vector<float> normalised_;  // [height, width, channels] of the current image
  bool same_size_;
};

}  // namespace accrete::data
