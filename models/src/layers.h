// SPDX-License-Identifier: Apache-2.0
// The layers that the families are built from, with their parameters.
#pragma once

#include <string>

#include "accrete/models/network.h"

namespace accrete::models {

class Layers {
 public:
  /// Adds the inputs to `model`, which must outlive this object. `spec` must, too.
  Layers(ModelGraph& model, const NetworkSpec& spec, const ImageBatch& images,
         bool batch_statistics);

  /// Square window, padded by half of it; bias as the spec says.
  ValueId conv(const std::string& name, ValueId x, std::int64_t channels, std::int64_t kernel,
               std::int64_t stride);
  ValueId norm(const std::string& name, ValueId x);
  ValueId norm_relu(const std::string& name, ValueId x);

  struct StemNames {
    const char* conv;
    const char* norm;
    const char* pool;
  };
  /// The spec's first layers on the images.
  ValueId stem(const StemNames& names);
  /// Average over the image, classifier `name`, loss.
  void head(const std::string& name, ValueId x);

  std::int64_t channels(ValueId x) const { return model_.graph.value(x).type.shape.c; }

 private:
  ModelGraph& model_;
  const NetworkSpec& spec_;
  bool batch_statistics_;
};

}  // namespace accrete::models
