// SPDX-License-Identifier: Apache-2.0
// Forward convolution: NormRelu in the packing of x, statistics in the stores of y.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "conv/forward.cpp"
#include "hwy/foreach_target.h"

#include "accrete/kernels/conv.h"
#include "conv/gemm/blocking.h"
#include "conv/gemm/epilogue-inl.h"
#include "conv/gemm/gemm_dot-inl.h"
#include "conv/winograd/dot-inl.h"
#include "cpu/channel_sums.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Calls product(transform, epilogue) with what the call's parts ask for.
template <class T, class Blocking, class Product>
void multiply_with_parts(ThreadPool& pool, const ConvForward& call, const Blocking& blocking,
                         WorkspaceFloats& floats, const Product& product) {
  const std::int64_t K = call.problem.K;
  with_norm_load<T>(pool, call.norm, call.problem.C, floats, [&](const auto& transform) {
    if (!call.statistics) {
      product(transform, PlainStore<T>(call.y, call.bias.f32()));
      return;
    }
    const ChannelPartials partials(floats.take(ChannelPartials::floats(blocking.blocks, K)), K);
    product(transform, StatisticsStore<T>(call.y, call.bias.f32(), partials));
    merge_statistics(
        pool, partials, blocking.blocks, [&](std::int64_t block) { return blocking.pixels(block); },
        call.statistics);
  });
}

template <class T>
void forward(ThreadPool& pool, const ConvForward& call, const Im2col& matrix,
             WorkspaceFloats floats) {
  const DotBlocking blocking = dot_blocking(matrix, call.problem.K);
  float* const packed_weights = floats.take(blocking.weight_floats);
  ScratchSlots slots = take_slots(floats, blocking.blocks, blocking.slot_floats);
  pack_forward_weights(pool, elements<T>(call.weight), blocking, packed_weights);
  multiply_with_parts<T>(
      pool, call, blocking, floats, [&](const auto& transform, const auto& epilogue) {
        gemm_dot<T>(pool, blocking, matrix, transform, packed_weights, slots, epilogue);
      });
}

template <class T>
void winograd_forward(ThreadPool& pool, const ConvForward& call, const Im2col& matrix,
                      WorkspaceFloats floats) {
  const WinogradDotBlocking blocking = winograd_dot_blocking(matrix, call.problem.K);
  float* const packed_weights = floats.take(blocking.weight_floats());
  ScratchSlots slots = take_slots(floats, blocking.blocks, blocking.slot_floats);
  pack_winograd_weights(pool, elements<T>(call.weight), blocking, packed_weights);
  multiply_with_parts<T>(
      pool, call, blocking, floats, [&](const auto& transform, const auto& epilogue) {
        winograd_dot<T>(pool, blocking, matrix, transform, packed_weights, slots, epilogue);
      });
}

const char* run_conv_forward(ThreadPool& pool, const ConvForward& call,
                             const Workspace& workspace) {
  const Im2col matrix = im2col_of_input(call.problem, call.x);
  const WorkspaceFloats floats(workspace);
  const bool winograd = winograd_pays(matrix, call.problem.K);
  with_element(call.x.dtype, [&]<class T>() {
    if (winograd) {
      winograd_forward<T>(pool, call, matrix, floats);
    } else {
      forward<T>(pool, call, matrix, floats);
    }
  });
  return winograd ? "winograd" : "gemm";
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(run_conv_forward);

std::size_t workspace_bytes(const ConvForward& call) {
  const ConvProblem& problem = call.problem;
  const DotSizes sizes = dot_sizes(im2col_of_input(problem, nothing_of(call.x.dtype)), problem.K);
  const bool parts = call.norm || call.statistics;
  return sizes.workspace_bytes +
         (parts ? float_bytes(NormReluTable::floats(problem.C) +
                              ChannelPartials::floats(sizes.blocks, problem.K))
                : 0);
}

const char* run(const Stream& stream, const ConvForward& call, const Workspace& workspace) {
  return HWY_DYNAMIC_DISPATCH(run_conv_forward)(stream.pool(), call, workspace);
}

}  // namespace accrete::kernels::cpu
#endif
