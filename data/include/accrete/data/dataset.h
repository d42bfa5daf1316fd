// SPDX-License-Identifier: Apache-2.0
// A labelled set of images, held in memory as bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace accrete::data {

struct ImageDataset {
  std::int64_t num_images = 0;
  std::int64_t height = 0, width = 0, channels = 0;
  std::int64_t num_classes = 0;
  std::vector<std::uint8_t> pixels;      ///< [num_images, height, width, channels]
  std::vector<std::int32_t> labels;      ///< [num_images], each in [0, num_classes)
  std::vector<std::string> class_names;  ///< empty, or one per class

  const std::uint8_t* image(std::int64_t index) const {
    return pixels.data() + index * height * width * channels;
  }
};

struct TrainTest {
  ImageDataset train;
  ImageDataset test;
  std::string source;  ///< where it came from, for reports
};

/// Keeps the first `limit` images; 0 keeps all.
void limit_images(ImageDataset& dataset, std::int64_t limit);

}  // namespace accrete::data
