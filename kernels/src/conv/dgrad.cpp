// SPDX-License-Identifier: Apache-2.0
// The gradient of the data is a convolution of grad_y with the turned filter, at a stride one
// convolution for each phase of the pixels (gemm/im2col.h). What batch norm owes to grad_y is
// paid while it is packed; mask and sums of the input's NormRelu are in the stores.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "conv/dgrad.cpp"
#include "hwy/foreach_target.h"

#include "accrete/kernels/conv.h"
#include "conv/gemm/blocking.h"
#include "conv/gemm/gemm_dot-inl.h"
#include "conv/gemm/gradient_epilogue-inl.h"
#include "conv/gemm/im2col.h"
#include "conv/winograd/dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Calls multiply(make), where make(x, g) is the epilogue for the pixels of two views: that of a
/// convolution whose input was read as it is.
template <class T, class Multiply>
void with_plain_epilogue(const NormReluGradient& out, const Multiply& multiply) {
  if (out.mode == GradMode::overwrite) {
    multiply([](const ConstTensorView& /*x*/, const TensorView& g)
                 HWY_ATTR { return PlainStore<T>(g, nullptr); });
  } else {
    multiply([](const ConstTensorView& /*x*/, const TensorView& g)
                 HWY_ATTR { return AccumulateStore<T>(g); });
  }
}

/// The same for one that read its input through NormRelu.
template <class T, class Multiply>
void with_mask_epilogue(ThreadPool& pool, const ConvDgrad& call, std::int64_t blocks,
                        WorkspaceFloats& floats, const Multiply& multiply) {
  const std::int64_t C = call.problem.C;
  const NormReluTable table = make_table(pool, call.norm, C, floats);
  const ChannelPartials partials(floats.take(ChannelPartials::floats(blocks, C)), C);
  const auto masked = [&]<GradMode kMode>() {
    multiply([&](const ConstTensorView& x, const TensorView& g) HWY_ATTR {
      NormReluGradient out = call.grad_x;
      out.g = g;
      return NormGradientStore<T, kMode>(x, call.norm, table, out, partials);
    });
  };
  if (call.grad_x.mode == GradMode::overwrite) {
    masked.template operator()<GradMode::overwrite>();
  } else {
    masked.template operator()<GradMode::accumulate>();
  }
  finish_gradient_sums(pool, partials, blocks, call.norm, call.grad_x);
}

/// Calls product(transform, make) with what the call's parts ask for.
template <class T, class Product>
void multiply_with_parts(ThreadPool& pool, const ConvDgrad& call, std::int64_t blocks,
                         WorkspaceFloats& floats, const Product& product) {
  with_gradient_load<T>(pool, call.grad_y, call.problem.K, floats, [&](const auto& transform) {
    const auto store_with = [&](const auto& make) { product(transform, make); };
    if (call.norm) {
      with_mask_epilogue<T>(pool, call, blocks, floats, store_with);
    } else {
      with_plain_epilogue<T>(call.grad_x, store_with);
    }
  });
}

/// Writes the pixels of a phase and returns the number of its blocks. What is left of the workspace
/// is free again afterwards.
template <class T, class Transform, class Epilogue>
std::int64_t multiply_phase(ThreadPool& pool, const ConvDgrad& call, const StridePhase& phase,
                            const Transform& transform, WorkspaceFloats floats,
                            const Epilogue& epilogue) {
  const Im2col matrix = im2col_of_gradient(call.problem, call.grad_y.g, phase);
  const DotBlocking blocking = dot_blocking(matrix, call.problem.C);
  float* const packed_weights = floats.take(blocking.weight_floats);
  ScratchSlots slots = take_slots(floats, blocking.blocks, blocking.slot_floats);
  pack_turned_weights(pool, elements<T>(call.weight), call.problem, phase, blocking,
                      packed_weights);
  gemm_dot<T>(pool, blocking, matrix, transform, packed_weights, slots, epilogue);
  return blocking.blocks;
}

template <class T>
void dgrad(ThreadPool& pool, const ConvDgrad& call, const StridePhase& phase, std::int64_t blocks,
           WorkspaceFloats floats) {
  multiply_with_parts<T>(pool, call, blocks, floats, [&](const auto& transform, const auto& make) {
    multiply_phase<T>(pool, call, phase, transform, floats, make(call.x, call.grad_x.g));
  });
}

template <class T>
void strided_dgrad(ThreadPool& pool, const ConvDgrad& call, WorkspaceFloats floats) {
  const DotSizes sizes = strided_dgrad_sizes(call.problem, call.grad_y.g.dtype);
  multiply_with_parts<T>(
      pool, call, sizes.blocks, floats, [&](const auto& transform, const auto& make) {
        std::int64_t first_block = 0;
        for_each_phase(call.problem, [&](const StridePhase& phase) {
          const PhaseEpilogue epilogue(phase, call.x, call.grad_x.g, first_block, make);
          first_block += multiply_phase<T>(pool, call, phase, transform, floats, epilogue);
        });
      });
}

template <class T>
void winograd_dgrad(ThreadPool& pool, const ConvDgrad& call, const Im2col& matrix,
                    WorkspaceFloats floats) {
  const WinogradDotBlocking blocking = winograd_dot_blocking(matrix, call.problem.C);
  float* const packed_weights = floats.take(blocking.weight_floats());
  ScratchSlots slots = take_slots(floats, blocking.blocks, blocking.slot_floats);
  pack_winograd_turned_weights(pool, elements<T>(call.weight), blocking, packed_weights);
  multiply_with_parts<T>(pool, call, blocking.blocks, floats,
                         [&](const auto& transform, const auto& make) {
                           winograd_dot<T>(pool, blocking, matrix, transform, packed_weights, slots,
                                           make(call.x, call.grad_x.g));
                         });
}

const char* run_conv_dgrad(ThreadPool& pool, const ConvDgrad& call, const Workspace& workspace) {
  const StridePhase phase = stride_phase(call.problem, 0, 0);
  const Im2col matrix = im2col_of_gradient(call.problem, call.grad_y.g, phase);
  const WorkspaceFloats floats(workspace);
  const bool winograd = !strided(call.problem) && winograd_pays(matrix, call.problem.C);
  with_element(call.grad_y.g.dtype, [&]<class T>() {
    if (strided(call.problem)) {
      strided_dgrad<T>(pool, call, floats);
    } else if (winograd) {
      winograd_dgrad<T>(pool, call, matrix, floats);
    } else {
      dgrad<T>(pool, call, phase, dot_blocking(matrix, call.problem.C).blocks, floats);
    }
  });
  return winograd ? "winograd" : strided(call.problem) ? "gemm phases" : "gemm";
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(run_conv_dgrad);

namespace {

DotSizes sizes_of(const ConvProblem& problem, DType dtype) {
  if (strided(problem)) {
    return strided_dgrad_sizes(problem, dtype);
  }
  const StridePhase all = stride_phase(problem, 0, 0);
  return dot_sizes(im2col_of_gradient(problem, nothing_of(dtype), all), problem.C);
}

}  // namespace

std::size_t workspace_bytes(const ConvDgrad& call) {
  const ConvProblem& problem = call.problem;
  const DotSizes sizes = sizes_of(problem, call.grad_y.g.dtype);
  const bool parts = call.norm || call.grad_y.y;
  return sizes.workspace_bytes +
         (parts ? float_bytes(DeferredGradientTable::floats(problem.K) +
                              NormReluTable::floats(problem.C) +
                              ChannelPartials::floats(sizes.blocks, problem.C))
                : 0);
}

const char* run(const Stream& stream, const ConvDgrad& call, const Workspace& workspace) {
  return HWY_DYNAMIC_DISPATCH(run_conv_dgrad)(stream.pool(), call, workspace);
}

}  // namespace accrete::kernels::cpu
#endif
