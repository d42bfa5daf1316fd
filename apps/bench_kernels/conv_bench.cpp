// SPDX-License-Identifier: Apache-2.0
#include "conv_bench.h"

#include <benchmark/benchmark.h>

#include <string>

#include "accrete/kernels/conv.h"
#include "conv_counters.h"
#include "conv_shapes.h"
#include "conv_tensors.h"

namespace accrete::bench {
namespace {

using kernels::conv_dgrad;
using kernels::conv_forward;
using kernels::conv_wgrad;

enum class Pass { forward, dgrad, dgrad_add, wgrad };

std::size_t workspace_bytes(Pass pass, const ConvProblem& problem) {
  switch (pass) {
    case Pass::forward:
      return kernels::conv_forward_workspace_bytes(problem, {});
    case Pass::dgrad:
    case Pass::dgrad_add:
      return kernels::conv_dgrad_workspace_bytes(problem, {});
    case Pass::wgrad:
      break;
  }
  return kernels::conv_wgrad_workspace_bytes(problem, {});
}

void call(Pass pass, const Stream& stream, const ConvProblem& problem, const ConvTensors& t,
          const Workspace& workspace) {
  switch (pass) {
    case Pass::forward:
      conv_forward(stream, problem, t.x, t.weight, {}, t.y, workspace);
      break;
    case Pass::dgrad:
      conv_dgrad(stream, problem, t.y, t.weight, t.x, GradMode::overwrite, workspace);
      break;
    case Pass::dgrad_add:
      conv_dgrad(stream, problem, t.y, t.weight, t.x, GradMode::accumulate, workspace);
      break;
    case Pass::wgrad:
      conv_wgrad(stream, problem, t.x, t.y, t.weight, GradMode::overwrite, workspace);
      break;
  }
}

void run(benchmark::State& state, Pass pass, const ConvShape& shape, ThreadPool& pool,
         const Rates& rates) {
  const ConvTensors tensors(shape);
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

void register_conv_benchmarks(ThreadPool& pool, const Rates& rates) {
  const struct {
    Pass pass;
    const char* name;
  } passes[] = {{Pass::forward, "forward"},
                {Pass::dgrad, "dgrad"},
                {Pass::dgrad_add, "dgrad_add"},
                {Pass::wgrad, "wgrad"}};
  for (const ConvShape& shape : conv_shapes()) {
    for (const auto& entry : passes) {
      // A strided stem is the first layer of a network: nobody asks for the gradient of its data.
      if ((entry.pass == Pass::dgrad || entry.pass == Pass::dgrad_add) &&
          shape.problem.stride_h > 1) {
        continue;
      }
      set_conv_units(*benchmark::RegisterBenchmark(
          ("conv/" + std::string(entry.name) + "/" + shape.name).c_str(),
          [&pool, &shape, rates, pass = entry.pass](benchmark::State& state) {
            run(state, pass, shape, pool, rates);
          }));
    }
  }
}

}  // namespace accrete::bench
