// SPDX-License-Identifier: Apache-2.0
// Average pooling.
#include "cpu/pool.h"
#include "cpu/pool_windows.h"
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/average_pool.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/average_pool-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

void plain_average_lines(const PoolProblem& problem, const PoolTile& tile, const ConstTensorView& x,
                         const TensorView& y) {
  with_element(x.dtype, [&]<class T>() {
    average_pool_lines(problem, tile, ConstRows<T>(x), PlainLoad(), Rows<T>(y));
  });
}

void plain_average_gradient_lines(const PoolProblem& problem, const PoolTile& tile,
                                  const ConstTensorView& grad_y, const TensorView& grad_x,
                                  GradMode mode) {
  with_element(grad_x.dtype, [&]<class T>() {
    if (mode == GradMode::overwrite) {
      const PlainSink<GradMode::overwrite, T> sink{Rows<T>(grad_x)};
      average_pool_gradient_lines(problem, tile, ConstRows<T>(grad_y), sink);
    } else {
      const PlainSink<GradMode::accumulate, T> sink{Rows<T>(grad_x)};
      average_pool_gradient_lines(problem, tile, ConstRows<T>(grad_y), sink);
    }
  });
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(plain_average_lines);
HWY_EXPORT(plain_average_gradient_lines);

void average_pool_forward(ThreadPool& pool, const PoolProblem& problem, const ConstTensorView& x,
                          const TensorView& y) {
  const LineTasks tasks(problem.N * problem.P(), problem.Q() * problem.C);
  pool.parallel_for(tasks.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(plain_average_lines)
    (problem, all_channels(tasks.task(task), problem.C), x, y);
  });
}

void average_pool_backward(ThreadPool& pool, const PoolProblem& problem,
                           const ConstTensorView& grad_y, const TensorView& grad_x, GradMode mode) {
  const LineTasks tasks(problem.N * problem.H, problem.W * problem.C);
  pool.parallel_for(tasks.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(plain_average_gradient_lines)
    (problem, all_channels(tasks.task(task), problem.C), grad_y, grad_x, mode);
  });
}

}  // namespace accrete::kernels::cpu
#endif
