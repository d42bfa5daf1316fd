// SPDX-License-Identifier: Apache-2.0
// What the families have in common: images, first layers, batch norm, initial values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "accrete/engine/graph.h"

namespace accrete::models {

/// First convolution and what follows it.
struct StemSpec {
  std::int64_t channels = 64;
  std::int64_t kernel = 7;  ///< odd; padding is kernel / 2
  std::int64_t stride = 2;
  bool norm_relu = true;  ///< batch norm and ReLU behind the convolution
  bool max_pool = true;   ///< 3x3 stride 2 padding 1
};

struct NetworkSpec {
  StemSpec stem;
  bool conv_bias = false;
  std::int64_t num_classes = 1000;
  double batch_norm_epsilon = 1e-5;
  double batch_norm_momentum = 0.1;  ///< weight of the new batch in the running statistics
  Initializer conv_initializer = Initializer::kaiming_fan_out;
  Initializer linear_initializer = Initializer::linear_fan_in;
};

/// Images of one batch: [batch, height, width, channels].
struct ImageBatch {
  std::int64_t batch = 1, height = 1, width = 1, channels = 1;
  DType dtype = DType::f32;  ///< of the images and with them of all activations
};

/// What the caller calls a field of its description ("growth_rate", "stem.channels") or of its
/// images
/// ("images.height"), for messages that ask to change it: the key of a file, a flag. Empty: as
/// here.
using FieldNames = std::function<std::string(const std::string& field)>;

/// What batch norm normalises with in a graph for training.
enum class BatchNormStatistics : std::uint8_t {
  batch,    ///< those of the batch; the running ones follow them
  running,  ///< running statistics, which stay as they are (fine-tuning)
};

}  // namespace accrete::models
