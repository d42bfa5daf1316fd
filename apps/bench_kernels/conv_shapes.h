// SPDX-License-Identifier: Apache-2.0
// The convolutions of the networks this project trains.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/kernels/problem.h"
#include "batches.h"

namespace accrete::bench {

struct ConvShape {
  std::string name;
  ConvProblem problem;
  /// Channels of the buffer y is a slice of; 0 when y is a tensor of its own.
  std::int64_t buffer_channels = 0;
};

std::vector<ConvShape> conv_shapes(const Batches& batches);

}  // namespace accrete::bench
