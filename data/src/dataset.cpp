// SPDX-License-Identifier: Apache-2.0
#include "accrete/data/dataset.h"

#include <algorithm>

#include "accrete/kernels/checked_size.h"
#include "accrete/kernels/error.h"

namespace accrete::data {
namespace {

std::string name_of(const ImageDataset& dataset) {
  return dataset.source.empty() ? "the data set" : dataset.source;
}

}  // namespace

std::int64_t ImageDataset::image_bytes() const {
  return checked_product({height, width, channels})
      .value_or_throw(ErrorCode::data, name_of(*this) + " has images of an impossible size, " +
                                           std::to_string(height) + "x" + std::to_string(width) +
                                           "x" + std::to_string(channels));
}

const std::uint8_t* ImageDataset::image(std::int64_t index) const {
  if (index < 0 || index >= num_images) {
    throw Error(ErrorCode::invalid_argument, "[image_dataset] image " + std::to_string(index) +
                                                 " of a set of " + std::to_string(num_images));
  }
  return pixels.data() + (CheckedSize(index) * image_bytes()).value_or(0);
}

void check_dataset(const ImageDataset& dataset) {
  const CheckedSize bytes = CheckedSize(dataset.num_images) * dataset.image_bytes();
  if (bytes.value_or(-1) != static_cast<std::int64_t>(dataset.pixels.size()) ||
      dataset.num_images != static_cast<std::int64_t>(dataset.labels.size())) {
    throw Error(ErrorCode::data,
                name_of(dataset) + " has " + std::to_string(dataset.pixels.size()) +
                    " bytes of pixels and " + std::to_string(dataset.labels.size()) +
                    " labels, not those of " + std::to_string(dataset.num_images) + " images of " +
                    std::to_string(dataset.image_bytes()) + " bytes");
  }
  const auto stray =
      std::find_if(dataset.labels.begin(), dataset.labels.end(),
                   [&](std::int32_t label) { return label < 0 || label >= dataset.num_classes; });
  if (stray != dataset.labels.end()) {
    throw Error(ErrorCode::data, name_of(dataset) + " has a label " + std::to_string(*stray) +
                                     ", labels go from 0 to " +
                                     std::to_string(dataset.num_classes - 1));
  }
}

void limit_images(DatasetShape& shape, std::int64_t limit) {
  shape.num_images = limit > 0 ? std::min(limit, shape.num_images) : shape.num_images;
}

void limit_images(ImageDataset& dataset, std::int64_t limit) {
  if (limit <= 0 || limit >= dataset.num_images) {
    return;
  }
  check_dataset(dataset);
  dataset.pixels.resize(
      static_cast<std::size_t>((CheckedSize(limit) * dataset.image_bytes()).value_or(0)));
  dataset.labels.resize(static_cast<std::size_t>(limit));
  dataset.num_images = limit;
}

}  // namespace accrete::data
