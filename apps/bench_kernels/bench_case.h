// SPDX-License-Identifier: Apache-2.0
// One row of the benchmark: an operation on a shape, by this project or by a yardstick.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "accrete/kernels/call.h"
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
  std::shared_ptr<const char*> kernel =
      nullptr;  ///< of this project, that ran it last; null of a yardstick
};

/// What `run` does, which returns what kernels::run() does: the name of the kernel.
template <class Run>
Work own_work(Run run, double flops, double bytes) {
  const auto kernel = std::make_shared<const char*>("");
  return {[run = std::move(run), kernel] { *kernel = run(); }, flops, bytes, kernel};
}

/// A call of this project, in a workspace of its own. What its struct refers to must outlive it.
template <class KernelCall>
Work work_of(Workbench& bench, const KernelCall& call) {
  const Workspace workspace = bench.workspace(kernels::workspace_bytes(call, bench.device()));
  const kernels::Cost cost = kernels::cost(call);
  return own_work(
      [stream = bench.stream(), call, workspace] { return kernels::run(stream, call, workspace); },
      2.0 * static_cast<double>(cost.macs), static_cast<double>(cost.bytes));
}

struct BenchCase {
  std::string name;  ///< "conv/forward/dn121/1x1/56x56/128-128"
  Arithmetic arithmetic = Arithmetic::f32;
  std::string implementation;  ///< of a yardstick; empty: this project's
  /// Makes tensors that last as long as the workbench.
  std::function<Work(Workbench&)> prepare;
};

using BenchCases = std::vector<BenchCase>;

}  // namespace accrete::bench
