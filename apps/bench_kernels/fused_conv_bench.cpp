// SPDX-License-Identifier: Apache-2.0
// The convolutions of conv_bench.cpp with every fused part: a norm on x, statistics of y, a
// deferred gradient of y. The pitch of gradients and of what lies beside them is that of y.
#include <benchmark/benchmark.h>

#include <string>

#include "accrete/kernels/fused_conv.h"
#include "conv_bench.h"
#include "conv_counters.h"
#include "conv_shapes.h"
#include "conv_tensors.h"

namespace accrete::bench {
namespace {

enum class Pass { forward, dgrad, dgrad_add, wgrad };

std::size_t workspace_bytes(Pass pass, const ConvProblem& problem) {
  switch (pass) {
    case Pass::forward:
      return kernels::fused_conv_forward_workspace_bytes(problem, {});
    case Pass::dgrad:
    case Pass::dgrad_add:
      return kernels::fused_conv_dgrad_workspace_bytes(problem, {});
    case Pass::wgrad:
      break;
  }
  return kernels::fused_conv_wgrad_workspace_bytes(problem, {});
}

// One vector over channels per part, all of the same harmless values.
class Vectors {
 public:
  explicit Vectors(std::int64_t channels)
      : channels_(channels), values_(static_cast<std::size_t>(channels)) {}
  TensorView view() const { return {values_.data(), channel_vector(channels_)}; }

 private:
  std::int64_t channels_;
  Buffer values_;
};

struct FusedConvTensors {
  explicit FusedConvTensors(const ConvShape& shape)
      : value(shape),
        gradient(shape),
        of_x(shape.problem.C),
        of_y(shape.problem.K),
        sink_x(shape.problem.C),
        sink_y(shape.problem.K) {}

  kernels::NormRelu norm() const { return {of_x.view(), of_x.view(), of_x.view(), of_x.view()}; }
  kernels::StatisticsOutput statistics() const {
    return {sink_y.view(), sink_y.view(), sink_y.view(), 1e-5F};
  }
  kernels::DeferredGradient grad_y() const {
    return {gradient.y, value.y, of_y.view(), of_y.view(), of_y.view(), of_y.view()};
  }
  kernels::NormReluGradient out(GradMode mode) const {
    return {gradient.x, sink_x.view(), sink_x.view(), sink_x.view(), sink_x.view(), mode};
  }

  ConvTensors value, gradient;
  Vectors of_x, of_y, sink_x, sink_y;
};

void call(Pass pass, const Stream& stream, const ConvProblem& problem, const FusedConvTensors& t,
          const Workspace& workspace) {
  switch (pass) {
    case Pass::forward:
      kernels::fused_conv_forward(stream, problem, t.value.x, t.norm(), t.value.weight, {},
                                  t.value.y, t.statistics(), workspace);
      break;
    case Pass::dgrad:
    case Pass::dgrad_add:
      kernels::fused_conv_dgrad(
          stream, problem, t.grad_y(), t.value.weight, t.value.x, t.norm(),
          t.out(pass == Pass::dgrad ? GradMode::overwrite : GradMode::accumulate), workspace);
      break;
    case Pass::wgrad:
      kernels::fused_conv_wgrad(stream, problem, t.value.x, t.norm(), t.grad_y(), t.gradient.weight,
                                GradMode::overwrite, workspace);
      break;
  }
}

void run(benchmark::State& state, Pass pass, const ConvShape& shape, ThreadPool& pool,
         const Rates& rates) {
  const FusedConvTensors tensors(shape);
  const std::size_t bytes = workspace_bytes(pass, shape.problem);
  const Buffer scratch(bytes / sizeof(float) + 1);
  const Workspace workspace{scratch.data(), bytes};
  const Stream stream = Stream::cpu(pool);
  call(pass, stream, shape.problem, tensors, workspace);
  for (auto _ : state) {
    call(pass, stream, shape.problem, tensors, workspace);
  }
  set_conv_counters(state, shape.problem, rates);
}

}  // namespace

void register_fused_conv_benchmarks(ThreadPool& pool, const Rates& rates) {
  const struct {
    Pass pass;
    const char* name;
  } passes[] = {{Pass::forward, "forward"},
                {Pass::dgrad, "dgrad"},
                {Pass::dgrad_add, "dgrad_add"},
                {Pass::wgrad, "wgrad"}};
  for (const ConvShape& shape : conv_shapes()) {
    // A strided stem is the first layer of a network: its input is no normalised tensor.
    if (shape.problem.stride_h > 1) {
      continue;
    }
    for (const auto& entry : passes) {
      set_conv_units(*benchmark::RegisterBenchmark(
          ("fused_conv/" + std::string(entry.name) + "/" + shape.name).c_str(),
          [&pool, &shape, rates, pass = entry.pass](benchmark::State& state) {
            run(state, pass, shape, pool, rates);
          }));
    }
  }
}

}  // namespace accrete::bench
