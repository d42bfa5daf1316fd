// SPDX-License-Identifier: Apache-2.0
// A labelled set of images, held in memory as bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace accrete::data {

/// What the caller calls a field of the options it passes, for messages that ask to change it: the
/// key of a file, a flag. Empty: its name here.
using FieldNames = std::function<std::string(const std::string& field)>;

/// What is known of a set without its pixels.
struct DatasetShape {
  std::int64_t num_images = 0;
  std::int64_t height = 0, width = 0, channels = 0;
  std::int64_t num_classes = 0;
};

struct ImageDataset : DatasetShape {
  std::vector<std::uint8_t> pixels;      ///< [num_images, height, width, channels]
  std::vector<std::int32_t> labels;      ///< [num_images], each in [0, num_classes)
  std::vector<std::string> class_names;  ///< empty, or one per class
  std::string source;                    ///< the images' file, or what made them, for messages

  /// height * width * channels. Error(data) if that is no size.
  std::int64_t image_bytes() const;
  /// The pixels of one image. Error(invalid_argument) if the set has no such image.
  const std::uint8_t* image(std::int64_t index) const;
};

struct TrainTestShape {
  DatasetShape train;
  DatasetShape test;
  std::string source;  ///< folder of the files; empty: none are known
};

struct TrainTest {
  ImageDataset train;
  ImageDataset test;
  std::string source;  ///< where it came from, for reports
};

/// Error(data) unless the set has as many pixels and labels as it says, and no label of a class
/// that it does not have.
void check_dataset(const ImageDataset& dataset);

/// Keeps the first `limit` images; 0 keeps all.
void limit_images(DatasetShape& shape, std::int64_t limit);
void limit_images(ImageDataset& dataset, std::int64_t limit);

}  // namespace accrete::data
