// SPDX-License-Identifier: Apache-2.0
// The gradient of the data is a convolution of grad_y with the turned filter.
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/conv_dgrad.cpp"
#include "hwy/foreach_target.h"

#include "cpu/conv.h"
#include "cpu/gemm/gemm_dot-inl.h"
#include "cpu/gemm/pack_weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

void run_conv_dgrad(ThreadPool& pool, const ConvProblem& problem, const ConstTensorView& grad_y,
                    const ConstTensorView& weight, const TensorView& grad_x, GradMode mode,
                    const Workspace& workspace) {
  const Im2col matrix = im2col_of_gradient(problem, grad_y);
  const DotBlocking blocking = dot_blocking(matrix.rows(), matrix.columns(), problem.C);
  auto* packed_weights = static_cast<float*>(workspace.data);
  ScratchSlots slots(packed_weights + blocking.weight_floats, scratch_slot_count(blocking.blocks),
                     blocking.slot_floats);
  pack_turned_weights(pool, weight.f32(), problem, blocking, packed_weights);
  if (mode == GradMode::overwrite) {
    gemm_dot(pool, blocking, matrix, Identity{}, packed_weights, slots, StoreTile(grad_x, nullptr));
  } else {
    gemm_dot(pool, blocking, matrix, Identity{}, packed_weights, slots, AccumulateTile(grad_x));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(run_conv_dgrad);

std::size_t conv_dgrad_workspace_bytes(const ConvProblem& problem) {
  return dot_blocking(problem.x_shape().pixels(), problem.R * problem.S * problem.K, problem.C)
      .workspace_bytes();
}

void conv_dgrad(ThreadPool& pool, const ConvProblem& problem, const ConstTensorView& grad_y,
                const ConstTensorView& weight, const TensorView& grad_x, GradMode mode,
                const Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(run_conv_dgrad)(pool, problem, grad_y, weight, grad_x, mode, workspace);
}

}  // namespace accrete::kernels::cpu
#endif
