// SPDX-License-Identifier: Apache-2.0
// Pools of packed tensors. Gradients overwrite.
#include "accrete/kernels/pool.h"

#include "families.h"

namespace accrete::bench {
namespace {

Work forward(Workbench& bench, const PoolProblem& problem) {
  const TensorView x = bench.tensor(problem.x_shape());
  const TensorView y = bench.tensor(problem.y_shape());
  if (problem.kind == PoolKind::average) {
    return {[stream = bench.stream(), problem, x, y] {
              kernels::average_pool_forward(stream, problem, x, y);
            },
            0.0, bytes_of({x, y})};
  }
  const TensorView winner = bench.zeros(problem.y_shape(), DType::u8);
  return {[stream = bench.stream(), problem, x, y, winner] {
            kernels::max_pool_forward(stream, problem, x, y, winner);
          },
          0.0, bytes_of({x, y, winner})};
}

Work backward(Workbench& bench, const PoolProblem& problem) {
  const TensorView grad_y = bench.tensor(problem.y_shape());
  const TensorView grad_x = bench.tensor(problem.x_shape());
  if (problem.kind == PoolKind::average) {
    return {[stream = bench.stream(), problem, grad_y, grad_x] {
              kernels::average_pool_backward(stream, problem, grad_y, grad_x, GradMode::overwrite);
            },
            0.0, bytes_of({grad_y, grad_x})};
  }
  const TensorView winner = bench.zeros(problem.y_shape(), DType::u8);
  kernels::max_pool_forward(bench.stream(), problem, grad_x, grad_y, winner);
  return {[stream = bench.stream(), problem, grad_y, winner, grad_x] {
            kernels::max_pool_backward(stream, problem, grad_y, winner, grad_x,
                                       GradMode::overwrite);
          },
          0.0, bytes_of({grad_y, winner, grad_x})};
}

Work global_forward(Workbench& bench, const Shape& shape) {
  const TensorView x = bench.tensor(shape);
  const TensorView y = bench.tensor({shape.n, 1, 1, shape.c});
  return {[stream = bench.stream(), x, y] { kernels::global_average_pool_forward(stream, x, y); },
          0.0, bytes_of({x, y})};
}

Work global_backward(Workbench& bench, const Shape& shape) {
  const TensorView grad_x = bench.tensor(shape);
  const TensorView grad_y = bench.tensor({shape.n, 1, 1, shape.c});
  return {[stream = bench.stream(), grad_y, grad_x] {
            kernels::global_average_pool_backward(stream, grad_y, grad_x, GradMode::overwrite);
          },
          0.0, bytes_of({grad_y, grad_x})};
}

template <class Argument>
void add(BenchCases& cases, const std::string& name, Arithmetic arithmetic,
         Work (*prepare)(Workbench&, const Argument&), const Argument& argument) {
  cases.push_back({name, arithmetic, "",
                   [prepare, argument](Workbench& bench) { return prepare(bench, argument); }});
}

}  // namespace

BenchCases pool_cases(const BenchSetting& setting) {
  BenchCases cases;
  for (const Arithmetic arithmetic : setting.others()) {
    for (const PoolShape& shape : pool_shapes(setting.batches)) {
      add(cases, "pool/forward/" + shape.name, arithmetic, forward, shape.problem);
      add(cases, "pool/backward/" + shape.name, arithmetic, backward, shape.problem);
    }
    for (const ActivationShape& shape : global_pool_shapes(setting.batches)) {
      add(cases, "pool/forward/global/" + shape.name, arithmetic, global_forward, shape.shape);
      add(cases, "pool/backward/global/" + shape.name, arithmetic, global_backward, shape.shape);
    }
  }
  return cases;
}

}  // namespace accrete::bench
