// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/conv.h"

#include "families.h"

namespace accrete::bench {
namespace {

Workspace workspace_of(Workbench& bench, Pass pass, const ConvProblem& problem) {
  switch (pass) {
    case Pass::forward:
      return bench.workspace(
          kernels::conv_forward_workspace_bytes(problem, bench.device(), bench.dtype()));
    case Pass::dgrad:
      return bench.workspace(
          kernels::conv_dgrad_workspace_bytes(problem, bench.device(), bench.dtype()));
    case Pass::wgrad:
      break;
  }
  return bench.workspace(
      kernels::conv_wgrad_workspace_bytes(problem, bench.device(), bench.dtype()));
}

void call(Pass pass, const Stream& stream, const ConvTensors& t, const Workspace& workspace) {
  switch (pass) {
    case Pass::forward:
      kernels::conv_forward(stream, t.problem, t.x, t.weight, {}, t.y, workspace);
      break;
    case Pass::dgrad:
      kernels::conv_dgrad(stream, t.problem, t.y, t.weight, t.x, GradMode::overwrite, workspace);
      break;
    case Pass::wgrad:
      kernels::conv_wgrad(stream, t.problem, t.x, t.y, t.weight, GradMode::overwrite, workspace);
      break;
  }
}

Work prepare(Workbench& bench, const ConvShape& shape, Pass pass) {
  const ConvTensors tensors(bench, shape, pass);
  const Workspace workspace = workspace_of(bench, pass, shape.problem);
  return {[pass, stream = bench.stream(), tensors, workspace] {
            call(pass, stream, tensors, workspace);
          },
          flops_of(shape.problem), tensors.bytes()};
}

}  // namespace

BenchCases conv_cases(const BenchSetting& setting) {
  BenchCases cases;
  for (const ConvShape& shape : conv_shapes(setting.batches)) {
    for (const Pass pass : kPasses) {
      // A strided stem is the first layer of a network: nobody asks for the gradient of its data.
      if (pass == Pass::dgrad && shape.problem.stride_h > 1) {
        continue;
      }
      const std::string name = std::string("conv/") + name_of(pass) + "/" + shape.name;
      for (const Arithmetic arithmetic : setting.arithmetics) {
        cases.push_back({name, arithmetic, "",
                         [shape, pass](Workbench& bench) { return prepare(bench, shape, pass); }});
        add_yardsticks(setting.yardsticks, name, shape, pass, arithmetic, cases);
      }
    }
  }
  return cases;
}

}  // namespace accrete::bench
