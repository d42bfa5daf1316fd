// SPDX-License-Identifier: Apache-2.0
// One training step of a net from outside arrays, and its comparison with what they say: loss,
// every gradient, running statistics.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "accrete/engine/passes.h"
#include "accrete/models/model.h"

namespace accrete::models {

/// Compares the tensor `name` with what it should be.
using Compare = std::function<void(const std::string& name, const std::vector<float>& got,
                                   const std::vector<float>& expected)>;

/// Runs the step that the safetensors file `path` (tests/golden/README.md) describes and compares
/// all it says of the results.
void check_golden_step(const std::string& path, const ModelSpec& spec, const PassSwitches& passes,
                       const Compare& compare,
                       BatchNormStatistics statistics = BatchNormStatistics::batch);

PassSwitches no_passes();

}  // namespace accrete::models
