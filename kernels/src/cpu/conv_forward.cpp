// SPDX-License-Identifier: Apache-2.0
// Forward convolution: NormRelu in the packing of x, statistics in the stores of y.
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/conv_forward.cpp"
#include "hwy/foreach_target.h"

#include "cpu/conv.h"
#include "cpu/gemm/gemm_dot-inl.h"
#include "cpu/gemm/pack_weights-inl.h"
#include "cpu/gemm/statistics_epilogue-inl.h"
#include "cpu/moments.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

template <class T>
void forward(ThreadPool& pool, const ConvForward& call, const Workspace& workspace) {
  const ConvProblem& problem = call.problem;
  const Im2col matrix = im2col_of_input(problem, call.x);
  const DotBlocking blocking = dot_blocking(matrix, problem.K);
  WorkspaceFloats floats(workspace);
  float* const packed_weights = floats.take(blocking.weight_floats);
  ScratchSlots slots = take_slots(floats, blocking.blocks, blocking.slot_floats);
  pack_forward_weights(pool, elements<T>(call.weight), blocking, packed_weights);

  const auto multiply = [&](const auto& transform) {
    if (!call.statistics) {
      gemm_dot<T>(pool, blocking, matrix, transform, packed_weights, slots,
                  StoreTile<T>(call.y, call.bias.f32()));
      return;
    }
    const ChannelPartials partials(floats.take(ChannelPartials::floats(blocking.blocks, problem.K)),
                                   problem.K);
    gemm_dot<T>(pool, blocking, matrix, transform, packed_weights, slots,
                StoreTileWithStatistics<T>(call.y, call.bias.f32(), partials));
    merge_statistics(
        pool, partials, blocking.blocks,
        [&](std::int64_t block) {
          return blocking.first_row(block + 1) - blocking.first_row(block);
        },
        call.statistics);
  };
  if (call.norm) {
    multiply(LoadNormRelu<T>{make_table(pool, call.norm, problem.C, floats)});
  } else {
    multiply(Identity<T>());
  }
}

void run_conv_forward(ThreadPool& pool, const ConvForward& call, const Workspace& workspace) {
  with_element(call.x.dtype, [&]<class T>() { forward<T>(pool, call, workspace); });
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(run_conv_forward);

namespace {

DotBlocking forward_blocking(const ConvProblem& problem, DType dtype) {
  return dot_blocking(im2col_of_input(problem, nothing_of(dtype)), problem.K);
}

}  // namespace

std::size_t conv_forward_workspace_bytes(const ConvProblem& problem, DType dtype) {
  return forward_blocking(problem, dtype).workspace_bytes();
}

std::size_t fused_conv_forward_workspace_bytes(const ConvProblem& problem, DType dtype) {
  const DotBlocking blocking = forward_blocking(problem, dtype);
  return blocking.workspace_bytes() +
         float_bytes(NormReluTable::floats(problem.C) +
                     ChannelPartials::floats(blocking.blocks, problem.K));
}

void conv_forward(ThreadPool& pool, const ConvForward& call, const Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(run_conv_forward)(pool, call, workspace);
}

}  // namespace accrete::kernels::cpu
#endif
