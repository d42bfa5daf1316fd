// SPDX-License-Identifier: Apache-2.0
// The DenseNet family (Huang et al., "Densely connected convolutional networks", arXiv 1608.06993)
// as a description and as a graph.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/engine/step_plan.h"

namespace accrete::models {

/// First convolution and what follows it.
struct StemSpec {
  std::int64_t channels = 64;
  std::int64_t kernel = 7;  ///< odd; padding is kernel / 2
  std::int64_t stride = 2;
  bool norm_relu = true;  ///< batch norm and ReLU behind the convolution
  bool max_pool = true;   ///< 3x3 stride 2 padding 1
};

enum class TransitionPool : std::uint8_t { average, max };

struct DenseNetSpec {
  std::vector<std::int64_t> blocks = {6, 12, 24, 16};  ///< layers of each dense block
  std::int64_t growth_rate = 32;
  /// Width of the 1x1 bottleneck in units of growth_rate; 0: layers are a single 3x3 convolution.
  std::int64_t bottleneck_width = 4;
  double compression = 0.5;  ///< transitions keep floor(compression * channels)
  StemSpec stem;
  bool conv_bias = false;
  double dropout = 0.0;  ///< after every convolution but the first
  TransitionPool transition_pool = TransitionPool::average;
  std::int64_t num_classes = 1000;
  double batch_norm_epsilon = 1e-5;
  double batch_norm_momentum = 0.1;  ///< weight of the new batch in the running statistics
  Initializer conv_initializer = Initializer::kaiming_fan_out;
  Initializer linear_initializer = Initializer::linear_fan_in;
};

struct DenseNetPreset {
  std::string name;
  std::string description;
  DenseNetSpec spec;
};
/// d2l, densenet121 ... densenet264, densenet_bc_100_12 and the other published ones.
const std::vector<DenseNetPreset>& densenet_presets();

/// Smallest square image the net can take: every pooling must find a full window.
std::int64_t minimum_image_size(const DenseNetSpec& spec);

/// Images of one batch: [batch, height, width, channels].
struct ImageBatch {
  std::int64_t batch = 1, height = 1, width = 1, channels = 1;
  DType dtype = DType::f32;  ///< of the images and with them of all activations
};

/// What batch norm normalises with in a graph for training.
enum class BatchNormStatistics : std::uint8_t {
  batch,    ///< those of the batch; the running ones follow them
  running,  ///< running statistics, which stay as they are (fine-tuning)
};

/// The whole net with its loss. Parameter names are torchvision's (features.conv0.weight, ...).
/// Error(spec) if the images are too small, before anything is built.
ModelGraph build_densenet(const DenseNetSpec& spec, const ImageBatch& images, bool training,
                          BatchNormStatistics statistics = BatchNormStatistics::batch);

}  // namespace accrete::models
