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
    return work_of(bench, kernels::AveragePoolForward{.problem = problem, .x = x, .y = y});
  }
  const TensorView winner = bench.zeros(problem.y_shape(), DType::u8);
  return work_of(bench,
                 kernels::MaxPoolForward{.problem = problem, .x = x, .y = y, .winner = winner});
}

Work backward(Workbench& bench, const PoolProblem& problem) {
  const TensorView grad_y = bench.tensor(problem.y_shape());
  const TensorView grad_x = bench.tensor(problem.x_shape());
  if (problem.kind == PoolKind::average) {
    return work_of(bench, kernels::AveragePoolBackward{
                              .problem = problem, .grad_y = grad_y, .grad_x = {.g = grad_x}});
  }
  const TensorView winner = bench.zeros(problem.y_shape(), DType::u8);
  kernels::run(bench.stream(), kernels::MaxPoolForward{
                                   .problem = problem, .x = grad_x, .y = grad_y, .winner = winner});
  return work_of(
      bench,
      kernels::MaxPoolBackward{
          .problem = problem, .grad_y = {.g = grad_y}, .winner = winner, .grad_x = {.g = grad_x}});
}

Work global_forward(Workbench& bench, const Shape& shape) {
  return work_of(bench, kernels::GlobalAveragePoolForward{
                            .x = bench.tensor(shape), .y = bench.tensor({shape.n, 1, 1, shape.c})});
}

Work global_backward(Workbench& bench, const Shape& shape) {
  return work_of(
      bench, kernels::GlobalAveragePoolBackward{.grad_y = bench.tensor({shape.n, 1, 1, shape.c}),
                                                .grad_x = {.g = bench.tensor(shape)}});
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
