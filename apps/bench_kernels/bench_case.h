// SPDX-License-Identifier: Apache-2.0
// One row of the benchmark: an operation on a shape, by this project or by a yardstick.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "arithmetic.h"
#include "workbench.h"

namespace accrete::bench {

/// A call on the stream of the workbench that made its tensors.
using Call = std::function<void()>;

/// What is timed, and what it has to do at least.
struct Work {
  Call call;
  double flops = 0.0;  ///< multiplications and additions; 0 where moving bytes is all that counts
  double bytes = 0.0;  ///< every tensor of the call once, twice where it is read and written
};

struct BenchCase {
  std::string name;  ///< "conv/forward/dn121/1x1/56x56/128-128"
  Arithmetic arithmetic = Arithmetic::f32;
  std::string implementation;  ///< of a yardstick; empty: this project's
  /// Makes tensors that last as long as the workbench.
  std::function<Work(Workbench&)> prepare;
};

using BenchCases = std::vector<BenchCase>;

}  // namespace accrete::bench
