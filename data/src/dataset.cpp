// SPDX-License-Identifier: Apache-2.0
#include "accrete/data/dataset.h"

namespace accrete::data {

void limit_images(ImageDataset& dataset, std::int64_t limit) {
  if (limit <= 0 || limit >= dataset.num_images) {
    return;
  }
  dataset.num_images = limit;
  const std::int64_t image_bytes = dataset.height * dataset.width * dataset.channels;
  dataset.pixels.resize(static_cast<std::size_t>(limit * image_bytes));
  dataset.labels.resize(static_cast<std::size_t>(limit));
}

}  // namespace accrete::data
