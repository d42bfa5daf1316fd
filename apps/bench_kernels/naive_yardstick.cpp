// SPDX-License-Identifier: Apache-2.0
#include "conv/implementations.h"

#include "yardsticks.h"

namespace accrete::bench {
namespace {

class Naive final : public ConvYardstick {
 public:
  const char* name() const override { return "naive"; }

  bool covers(const ConvProblem& problem) const override {
    constexpr std::int64_t kMostMacs = std::int64_t{1} << 29;
    return problem.H > 1 && problem.macs() <= kMostMacs;
  }

  Call prepare(Workbench& bench, Pass pass, const ConvTensors& t) const override {
    return [pass, stream = bench.stream(), t] {
      switch (pass) {
        case Pass::forward:
          kernels::cuda::conv_forward_naive(stream, t.forward());
          break;
        case Pass::dgrad:
          kernels::cuda::conv_dgrad_naive(stream, t.dgrad());
          break;
        case Pass::wgrad:
          kernels::cuda::conv_wgrad_naive(stream, t.wgrad());
          break;
      }
    };
  }
};

}  // namespace

std::unique_ptr<ConvYardstick> make_naive() {
  return std::make_unique<Naive>();
}

}  // namespace accrete::bench
