// SPDX-License-Identifier: Apache-2.0
// What the passes behind reverse mode rewrite.
#pragma once

#include <vector>

#include "accrete/engine/autograd.h"
#include "accrete/engine/model_graph.h"

namespace accrete {

struct DifferentiatedModel {
  ModelGraph model;
  std::vector<ParameterGradient> gradients;
};

}  // namespace accrete
