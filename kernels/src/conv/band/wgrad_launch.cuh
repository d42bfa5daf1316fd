// SPDX-License-Identifier: Apache-2.0
// The kernel of weight gradients by themselves, and its launches.
#pragma once

#include "conv/band/launch.cuh"
#include "conv/band/wgrad_ranges.cuh"
#include "conv/implementations.h"

namespace accrete::kernels::cuda {

/// Computes  grad_weight[k,r,s,c] (= or +=) sum over pixels (n,h,w) of d[n,h,w,k] * z[n, h + r -
///           pad, w + s - pad, c], with d and z what the changes make of grad_y and x, z = 0
///           outside the image, pad = R / 2. Wgrad is a Wgrad1x1 or a Wgrad3x3, whose files say
///           what a block does with its steps; it provides Arguments, blocks, shared_bytes, run.
/// Operands  x [N,H,W,C] and grad_y (g, and y with a deferred gradient) [N,H,W,K] bf16, any
///           pitches; grad_weight [K,R,S,C] f32, packed; f32 partial sums [tiles][ranges][tile] in
///           the workspace and tickets, zero before and behind, where there are several ranges.
/// Grid      x: range * tiles + tile (WgradBlocks::place). A tile is 128 or 64 filters by 128
///           channels (1x1), or 32 or 16 filters by 64 channels with all nine taps (3x3); a range
///           is consecutive steps of 32 pixels (1x1) or 64 slots (3x3). There are about
///           kResidentBlocks blocks where steps suffice (BandWgradPlan).
/// Threads   128, four warps. Copies: WgradRows; results: ThreadPlace (1x1), 16 of the channels for
///           each warp (3x3).
/// Order     f32; the last block of a group of ranges adds up the group, the last of those the
///           groups, in their order (add_ranges).
/// Shared    static: a ticket; dynamic: Wgrad::shared_bytes, at most 113 KiB.
/// Limits    stride 1; rows of x, g and y begin at multiples of ALIGN (16 or 8) bytes and hold
///           multiples of that, grad_weight begins at a multiple of 8; slots number fewer than 2^31
///           (band_side); rows are less than 4 GiB apart (not checked).
/// Work      2 R S C K FLOP per pixel; x is read once for each tile of filters, and the slots
///           around a range once more (3x3), grad_y once for each tile of channels; partial sums
///           are written once and read once, the groups' again.
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
