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

void plain_max_lines(const PoolProblem& problem, const PoolTile& tile, const ConstTensorView& x,
                     const TensorView& y, std::uint8_t* winner) {
  with_element(x.dtype, [&]<class T>() {
    max_pool_lines(problem, tile, ConstRows<T>(x), PlainLoad(), Rows<T>(y), winner);
  });
}

void plain_max_gradient_lines(const PoolProblem& problem, const PoolTile& tile,
                              const ConstTensorView& grad_y, const std::uint8_t* winner,
                              const TensorView& grad_x, GradMode mode) {
  with_element(grad_x.dtype, [&]<class T>() {
    const PlainGradient<T> gradient{ConstRows<T>(grad_y)};
    if (mode == GradMode::overwrite) {
      const PlainSink<GradMode::overwrite, T> sink{Rows<T>(grad_x)};
      max_pool_gradient_lines(problem, tile, gradient, winner, sink);
    } else {
      const PlainSink<GradMode::accumulate, T> sink{Rows<T>(grad_x)};
      max_pool_gradient_lines(problem, tile, gradient, winner, sink);
    }
  });
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
  pool.parallel_for(tasks.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(plain_max_lines)
    (problem, all_channels(tasks.task(task), problem.C), x, y, winner.u8());
  });
}

void max_pool_backward(ThreadPool& pool, const PoolProblem& problem, const ConstTensorView& grad_y,
                       const ConstTensorView& winner, const TensorView& grad_x, GradMode mode) {
  const LineTasks tasks(problem.N * problem.H, problem.W * problem.C);
  pool.parallel_for(tasks.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(plain_max_gradient_lines)
    (problem, all_channels(tasks.task(task), problem.C), grad_y, winner.u8(), grad_x, mode);
  });
}

}  // namespace accrete::kernels::cpu
#endif
