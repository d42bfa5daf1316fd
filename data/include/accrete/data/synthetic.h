// SPDX-License-Identifier: Apache-2.0
// Generated images for benchmarks and tests: each class has its own random pattern, each image is
// its class's pattern with noise, so that a net can learn them.
#pragma once

#include <cstdint>

#include "accrete/data/dataset.h"

namespace accrete::data {

struct SyntheticOptions {
  std::int64_t image_size = 32;
  std::int64_t channels = 3;
  std::int64_t num_classes = 10;
  std::int64_t train_images = 1024;
  std::int64_t test_images = 256;
  std::uint64_t seed = 0;
  FieldNames names;  ///< asked for "synthetic", which stands for all of them
};

/// The shape of what make_synthetic makes of the options.
TrainTestShape synthetic_shape(const SyntheticOptions& options);

/// Error(spec) if a size is not positive or together they are more than can be counted,
/// Error(out_of_memory), before anything is filled, if they are more than this process can get.
TrainTest make_synthetic(const SyntheticOptions& options);

}  // namespace accrete::data
