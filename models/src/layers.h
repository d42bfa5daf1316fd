// SPDX-License-Identifier: Apache-2.0
// The layers that the families are built from, with their parameters.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "accrete/kernels/checked_size.h"
#include "accrete/models/network.h"

namespace accrete::models {

class Layers {
 public:
  /// Adds the inputs to `model`, which must outlive this object. `spec` must, too.
  Layers(ModelGraph& model, const NetworkSpec& spec, const ImageBatch& images,
         bool batch_statistics);

  /// Square window, padded by half of it; bias as the spec says. A number of channels that is none
  /// is refused like one that is too large.
  ValueId conv(const std::string& name, ValueId x, CheckedSize channels, std::int64_t kernel,
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

/// What `names` call a field.
std::string named(const FieldNames& names, const std::string& field);

/// What `build` returns. Tensors of more elements than any may have, which graphs refuse, become
/// Error(spec) that asks to lower `fields`, the images or the batch.
ModelGraph build_within_limits(const std::vector<std::string>& fields, const FieldNames& names,
                               const std::function<ModelGraph()>& build);

}  // namespace accrete::models
