// SPDX-License-Identifier: Apache-2.0
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/conv_forward.cpp"
#include "hwy/foreach_target.h"

#include "cpu/conv.h"
#include "cpu/gemm/gemm_dot-inl.h"
#include "cpu/gemm/pack_weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

void run_conv_forward(ThreadPool& pool, const ConvProblem& problem, const ConstTensorView& x,
                      const ConstTensorView& weight, const ConstTensorView& bias,
                      const TensorView& y, const Workspace& workspace) {
  const Im2col matrix = im2col_of_input(problem, x);
  const DotBlocking blocking = dot_blocking(matrix.rows(), matrix.columns(), problem.K);
  auto* packed_weights = static_cast<float*>(workspace.data);
  ScratchSlots slots(packed_weights + blocking.weight_floats, scratch_slot_count(blocking.blocks),
                     blocking.slot_floats);
  pack_forward_weights(pool, weight.f32(), blocking, packed_weights);
  gemm_dot(pool, blocking, matrix, Identity{}, packed_weights, slots, StoreTile(y, bias.f32()));
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(run_conv_forward);

std::size_t conv_forward_workspace_bytes(const ConvProblem& problem) {
  return dot_blocking(problem.y_shape().pixels(), problem.R * problem.S * problem.C, problem.K)
      .workspace_bytes();
}

void conv_forward(ThreadPool& pool, const ConvProblem& problem, const ConstTensorView& x,
                  const ConstTensorView& weight, const ConstTensorView& bias, const TensorView& y,
                  const Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(run_conv_forward)(pool, problem, x, weight, bias, y, workspace);
}

}  // namespace accrete::kernels::cpu
#endif
