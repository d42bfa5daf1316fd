// SPDX-License-Identifier: Apache-2.0
// Linear layers on this project's kernels; networks on a GPU use cuBLAS for them, which stands
// beside.
#include "accrete/kernels/linear.h"

#include "families.h"

namespace accrete::bench {
namespace {

// The 1x1 convolution on a 1x1 image that the layer is.
ConvShape shape_of(const LinearShape& linear) {
  ConvShape shape;
  shape.name = linear.name;
  shape.problem.N = linear.N;
  shape.problem.C = linear.C;
  shape.problem.K = linear.K;
  return shape;
}

void call(Pass pass, const Stream& stream, const ConvTensors& t, const Workspace& workspace) {
  switch (pass) {
    case Pass::forward:
      kernels::linear_forward(stream, t.x, t.weight, {}, t.y, workspace);
      break;
    case Pass::dgrad:
      kernels::linear_dgrad(stream, t.y, t.weight, t.x, GradMode::overwrite, workspace);
      break;
    case Pass::wgrad:
      kernels::linear_wgrad(stream, t.x, t.y, t.weight, GradMode::overwrite, workspace);
      break;
  }
}

Work prepare(Workbench& bench, const ConvShape& shape, Pass pass) {
  const ConvTensors tensors(bench, shape, pass);
  const ConvProblem& p = shape.problem;
  const Workspace workspace = bench.workspace(
      kernels::linear_workspace_bytes(p.N, p.C, p.K, bench.device(), bench.dtype()));
  return {[pass, stream = bench.stream(), tensors, workspace] {
            call(pass, stream, tensors, workspace);
          },
          flops_of(p), tensors.bytes()};
}

}  // namespace

BenchCases linear_cases(const BenchSetting& setting) {
  BenchCases cases;
  for (const LinearShape& linear : linear_shapes(setting.batches)) {
    const ConvShape shape = shape_of(linear);
    for (const Pass pass : kPasses) {
      const std::string name = std::string("linear/") + name_of(pass) + "/" + shape.name;
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
