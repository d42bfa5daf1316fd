// SPDX-License-Identifier: Apache-2.0
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/conv_wgrad.cpp"
#include "hwy/foreach_target.h"

#include "cpu/conv.h"
#include "cpu/gemm/gemm_outer-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

void run_conv_wgrad(ThreadPool& pool, const ConvProblem& problem, const ConstTensorView& x,
                    const ConstTensorView& grad_y, const TensorView& grad_weight, GradMode mode,
                    const Workspace& workspace) {
  const Im2col matrix = im2col_of_input(problem, x);
  const OuterBlocking blocking = outer_blocking(matrix.rows(), matrix.columns(), problem.K);
  auto* partials = static_cast<float*>(workspace.data);
  ScratchSlots slots(partials + blocking.parts * blocking.partial_floats,
                     scratch_slot_count(blocking.tasks()), blocking.slot_floats);
  gemm_outer(pool, blocking, matrix, Identity{}, rows_of(grad_y), Identity{}, slots, partials);
  reduce_partials(pool, blocking, partials, mode == GradMode::accumulate, grad_weight.f32());
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(run_conv_wgrad);

std::size_t conv_wgrad_workspace_bytes(const ConvProblem& problem) {
  return outer_blocking(problem.y_shape().pixels(), problem.R * problem.S * problem.C, problem.K)
      .workspace_bytes();
}

void conv_wgrad(ThreadPool& pool, const ConvProblem& problem, const ConstTensorView& x,
                const ConstTensorView& grad_y, const TensorView& grad_weight, GradMode mode,
                const Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(run_conv_wgrad)(pool, problem, x, grad_y, grad_weight, mode, workspace);
}

}  // namespace accrete::kernels::cpu
#endif
