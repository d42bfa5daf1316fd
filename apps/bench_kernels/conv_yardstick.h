// SPDX-License-Identifier: Apache-2.0
// Other implementations of convolutions, and of the matrix products that 1x1 convolutions and
// linear layers are.
#pragma once

#include <memory>
#include <vector>

#include "bench_case.h"
#include "conv_tensors.h"
#include "network_shapes.h"

namespace accrete::bench {

class ConvYardstick {
 public:
  ConvYardstick() = default;
  ConvYardstick(const ConvYardstick&) = delete;
  ConvYardstick& operator=(const ConvYardstick&) = delete;
  virtual ~ConvYardstick() = default;

  virtual const char* name() const = 0;
  virtual bool covers(const ConvProblem& problem) const = 0;
  virtual bool computes_in(Arithmetic /*arithmetic*/) const { return true; }
  /// `tensors` were made by `bench`.
  virtual Call prepare(Workbench& bench, Pass pass, const ConvTensors& tensors) const = 0;
};

using ConvYardsticks = std::vector<std::unique_ptr<ConvYardstick>>;

/// Adds the yardsticks that cover `shape` to `cases`, under `name`.
void add_yardsticks(const ConvYardsticks& yardsticks, const std::string& name,
                    const ConvShape& shape, Pass pass, Arithmetic arithmetic, BenchCases& cases);

}  // namespace accrete::bench
