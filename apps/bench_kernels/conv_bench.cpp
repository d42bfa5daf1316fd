// SPDX-License-Identifier: Apache-2.0
// Convolutions without optional parts, and linear layers.
#include "accrete/kernels/conv.h"

#include "families.h"

namespace accrete::bench {
namespace {

Work prepare(Workbench& bench, const ConvShape& shape, Pass pass) {
  const ConvTensors t(bench, shape, pass);
  switch (pass) {
    case Pass::forward:
      return work_of(bench, t.forward());
    case Pass::dgrad:
      return work_of(bench, t.dgrad());
    case Pass::wgrad:
      break;
  }
  return work_of(bench, t.wgrad());
}

// The yardsticks that cover `shape`, under `name`.
void add_yardsticks(const ConvYardsticks& yardsticks, const std::string& name,
                    const ConvShape& shape, Pass pass, Arithmetic arithmetic, BenchCases& cases) {
  for (const auto& yardstick : yardsticks) {
    if (!yardstick->covers(shape.problem) || !yardstick->computes_in(arithmetic)) {
      continue;
    }
    cases.push_back({name, arithmetic, yardstick->name(),
                     [yardstick = yardstick.get(), shape, pass](Workbench& bench) {
                       const ConvTensors tensors(bench, shape, pass);
                       return Work{yardstick->prepare(bench, pass, tensors),
                                   flops_of(shape.problem), tensors.bytes()};
                     }});
  }
}

// The pass, and other implementations of it.
void add_pass(const BenchSetting& setting, const char* family, const ConvShape& shape, Pass pass,
              BenchCases& cases) {
  const std::string name = std::string(family) + "/" + name_of(pass) + "/" + shape.name;
  for (const Arithmetic arithmetic : setting.arithmetics) {
    cases.push_back({name, arithmetic, "",
                     [shape, pass](Workbench& bench) { return prepare(bench, shape, pass); }});
    add_yardsticks(setting.yardsticks, name, shape, pass, arithmetic, cases);
  }
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
      add_pass(setting, "conv", shape, pass, cases);
    }
  }
  return cases;
}

// On this project's kernels; networks on a GPU use cuBLAS for them, which stands beside.
BenchCases linear_cases(const BenchSetting& setting) {
  BenchCases cases;
  for (const LinearShape& linear : linear_shapes(setting.batches)) {
    const ConvShape shape{linear.name, ConvProblem::linear(linear.N, linear.C, linear.K)};
    for (const Pass pass : kPasses) {
      add_pass(setting, "linear", shape, pass, cases);
    }
  }
  return cases;
}

}  // namespace accrete::bench
