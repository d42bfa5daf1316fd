// SPDX-License-Identifier: Apache-2.0
// Launches of weight gradients by themselves.
#pragma once

#include "conv/band/band_gemm.h"
#include "conv/band/launch.cuh"
#include "conv/band/wgrad_ranges.cuh"

namespace accrete::kernels::cuda {

template <class Wgrad>
__global__ void __launch_bounds__(kWgradThreads, 2)
    band_wgrad_kernel(const __grid_constant__ typename Wgrad::Arguments arguments) {
  ACCRETE_DYNAMIC_SHARED(shared);
  Wgrad::run(arguments, static_cast<int>(blockIdx.x), shared);
}

template <class Wgrad>
bool launch_wgrad_shape(const Stream& stream, const ConvWgrad& call, const Workspace& workspace,
                        const BandWgradPlan& plan,
                        const typename Wgrad::InputChange::Arguments& input_change,
                        const typename Wgrad::GradientChange::Arguments& gradient_change) {
  const auto arguments_on = [&](const WgradBlocks& blocks) {
    return Wgrad::arguments(call.problem, call.x, input_change, call.grad_y.g, gradient_change,
                            call.grad_weight, call.mode, blocks);
  };
  const std::uint32_t shared = Wgrad::shared_bytes(arguments_on({plan, nullptr, nullptr}));
  if (!has_room(stream, shared, kHalfSharedBytes)) {
    return false;
  }
  const auto arguments = arguments_on(wgrad_blocks(stream, call.kName, plan, workspace, 0));
  launch(stream, call.kName, &band_wgrad_kernel<Wgrad>,
         {Wgrad::blocks(arguments), kWgradThreads, shared}, arguments);
  return true;
}

/// Wgrad<GradientChange, InputChange, FILTERS, ALIGN> with the changes that the call needs.
template <template <class, class, int, int> class Wgrad, int FILTERS, int ALIGN>
bool launch_wgrad(const Stream& stream, const ConvWgrad& call, const Workspace& workspace,
                  const BandWgradPlan& plan) {
  const DeferredGradientPacks::Arguments due{DeferredGradientVectors(call.grad_y),
                                             PackSource(companion(call.grad_y))};
  if (call.norm) {
    return launch_wgrad_shape<Wgrad<DeferredGradientPacks, NormReluPacks, FILTERS, ALIGN>>(
        stream, call, workspace, plan, {NormVectors(call.norm)}, due);
  }
  if (call.grad_y.y) {
    return launch_wgrad_shape<Wgrad<DeferredGradientPacks, PlainPacks, FILTERS, ALIGN>>(
        stream, call, workspace, plan, {}, due);
  }
  return launch_wgrad_shape<Wgrad<PlainPacks, PlainPacks, FILTERS, ALIGN>>(stream, call, workspace,
                                                                           plan, {}, {});
}

/// With tiles of FILTERS or, where the plan says so, FEW filters.
template <template <class, class, int, int> class Wgrad, int FILTERS, int FEW>
bool launch_wgrad(const Stream& stream, const ConvWgrad& call, const Workspace& workspace, int side,
                  int alignment) {
  const BandWgradPlan plan(call.problem, side);
  const auto with_filters = [&]<int COUNT>() {
    return alignment == kPackBytes
               ? launch_wgrad<Wgrad, COUNT, kPackBytes>(stream, call, workspace, plan)
               : launch_wgrad<Wgrad, COUNT, kPackBytes / 2>(stream, call, workspace, plan);
  };
  return plan.filters == FEW ? with_filters.template operator()<FEW>()
                             : with_filters.template operator()<FILTERS>();
}

}  // namespace accrete::kernels::cuda
