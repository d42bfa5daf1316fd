// SPDX-License-Identifier: Apache-2.0
// The convolutions of conv_bench.cpp with every optional part: a norm on x, statistics of y, a
// deferred gradient of y. The pitch of gradients and of what lies beside them is that of y.
#include <string>

#include "conv_tensors.h"
#include "families.h"

namespace accrete::bench {
namespace {

enum class FusedPass : std::uint8_t { forward, dgrad, dgrad_add, wgrad, backward_add };
constexpr struct {
  FusedPass pass;
  const char* name;
} kFusedPasses[] = {{FusedPass::forward, "forward"},
                    {FusedPass::dgrad, "dgrad"},
                    {FusedPass::dgrad_add, "dgrad_add"},
                    {FusedPass::wgrad, "wgrad"},
                    {FusedPass::backward_add, "backward_add"}};

// Which sides of a convolution a pass reads decides which of value and gradient has the f32 weight.
struct FusedConvTensors {
  FusedConvTensors(Workbench& bench, const ConvShape& shape)
      : value(bench, shape, Pass::forward),
        gradient(bench, shape, Pass::wgrad),
        of_x(bench.channels(shape.problem.C, 1.0F)),
        of_y(bench.channels(shape.problem.K, 1.0F)),
        sink_x(bench.channels(shape.problem.C, 0.0F)),
        sink_y(bench.channels(shape.problem.K, 0.0F)) {}

  kernels::NormRelu norm() const { return {of_x, of_x, of_x, of_x}; }
  kernels::StatisticsOutput statistics() const { return {sink_y, sink_y, sink_y, 1e-5F}; }
  kernels::DeferredGradient grad_y() const { return {gradient.y, value.y, of_y, of_y, of_y, of_y}; }
  kernels::NormReluGradient out(GradMode mode) const {
    return {gradient.x, sink_x, sink_x, sink_x, sink_x, mode};
  }

  ConvTensors value, gradient;
  TensorView of_x, of_y, sink_x, sink_y;
};

Work work_of(FusedPass pass, Workbench& bench, const FusedConvTensors& t) {
  const auto& [p, x, weight, y] = t.value;
  switch (pass) {
    case FusedPass::forward:
      return bench::work_of(bench,
                            kernels::ConvForward{p, x, t.norm(), weight, {}, y, t.statistics()});
    case FusedPass::dgrad:
    case FusedPass::dgrad_add: {
      const GradMode mode = pass == FusedPass::dgrad ? GradMode::overwrite : GradMode::accumulate;
      return bench::work_of(bench,
                            kernels::ConvDgrad{p, t.grad_y(), weight, x, t.norm(), t.out(mode)});
    }
    case FusedPass::wgrad:
      return bench::work_of(bench,
                            kernels::ConvWgrad{p, x, t.norm(), t.grad_y(), t.gradient.weight});
    case FusedPass::backward_add:
      break;
  }
  return bench::work_of(
      bench, kernels::ConvBackward{p, x, t.norm(), weight, t.grad_y(), t.out(GradMode::accumulate),
                                   t.gradient.weight});
}

// What has to cross the memory bus at least, vectors over channels aside.
double bytes_of(FusedPass pass, const FusedConvTensors& t) {
  const ConvTensors& value = t.value;
  const ConvTensors& gradient = t.gradient;
  switch (pass) {
    case FusedPass::forward:
      return bench::bytes_of({value.x, value.weight, value.y});
    case FusedPass::dgrad:
      return bench::bytes_of({gradient.y, value.y, value.weight, value.x, gradient.x});
    case FusedPass::dgrad_add:
      return bench::bytes_of({gradient.y, value.y, value.weight, value.x}) +
             2.0 * bench::bytes_of({gradient.x});
    case FusedPass::wgrad:
      return bench::bytes_of({gradient.y, value.y, value.x, gradient.weight});
    case FusedPass::backward_add:
      break;
  }
  return bench::bytes_of({gradient.y, value.y, value.weight, value.x, gradient.weight}) +
         2.0 * bench::bytes_of({gradient.x});
}

Work prepare(Workbench& bench, const ConvShape& shape, FusedPass pass) {
  const FusedConvTensors tensors(bench, shape);
  Work work = work_of(pass, bench, tensors);
  work.bytes = bytes_of(pass, tensors);
  return work;
}

}  // namespace

BenchCases fused_conv_cases(const BenchSetting& setting) {
  BenchCases cases;
  for (const ConvShape& shape : conv_shapes(setting.batches)) {
    // A strided stem is the first layer of a network: its input is no normalised tensor.
    if (shape.problem.stride_h > 1) {
      continue;
    }
    for (const auto& entry : kFusedPasses) {
      for (const Arithmetic arithmetic : setting.arithmetics) {
        cases.push_back(
            {"fused_conv/" + std::string(entry.name) + "/" + shape.name, arithmetic, "",
             [shape, pass = entry.pass](Workbench& bench) { return prepare(bench, shape, pass); }});
      }
    }
  }
  return cases;
}

}  // namespace accrete::bench
