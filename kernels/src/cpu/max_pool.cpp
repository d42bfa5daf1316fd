// SPDX-License-Identifier: Apache-2.0
// Max pooling.
#include "cpu/pool.h"
#include "cpu/pool_windows.h"
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/max_pool.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/max_pool-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

void plain_max_lines(const PoolProblem& problem, const PoolTile& tile, const ConstRows& x,
                     const Rows& y, std::uint8_t* winner) {
  max_pool_lines(problem, tile, x, PlainLoad(), y, winner);
}

void plain_max_gradient_lines(const PoolProblem& problem, const PoolTile& tile,
                              const ConstRows& grad_y, const std::uint8_t* winner,
                              const Rows& grad_x, GradMode mode) {
  const PlainGradient gradient{grad_y};
  if (mode == GradMode::overwrite) {
    const PlainSink<GradMode::overwrite> sink{grad_x};
    max_pool_gradient_lines(problem, tile, gradient, winner, sink);
  } else {
    const PlainSink<GradMode::accumulate> sink{grad_x};
    max_pool_gradient_lines(problem, tile, gradient, winner, sink);
  }
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(plain_max_lines);
HWY_EXPORT(plain_max_gradient_lines);

void max_pool_forward(ThreadPool& pool, const PoolProblem& problem, const ConstTensorView& x,
                      const TensorView& y, const TensorView& winner) {
  const LineTasks tasks(problem.N * problem.P(), problem.Q() * problem.C);
  const ConstRows from(x);
  const Rows to(y);
  pool.parallel_for(tasks.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(plain_max_lines)
    (problem, all_channels(tasks.task(task), problem.C), from, to, winner.u8());
  });
}

void max_pool_backward(ThreadPool& pool, const PoolProblem& problem, const ConstTensorView& grad_y,
                       const ConstTensorView& winner, const TensorView& grad_x, GradMode mode) {
  const LineTasks tasks(problem.N * problem.H, problem.W * problem.C);
  const ConstRows from(grad_y);
  const Rows to(grad_x);
  pool.parallel_for(tasks.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(plain_max_gradient_lines)
    (problem, all_channels(tasks.task(task), problem.C), from, winner.u8(), to, mode);
  });
}

}  // namespace accrete::kernels::cpu
#endif
