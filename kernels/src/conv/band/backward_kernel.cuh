// SPDX-License-Identifier: Apache-2.0
// Both gradients of a convolution in one launch whose blocks have two roles (backward_roles.h), so
// that what both read comes from memory once and from the L2 cache once more.
#pragma once

#include "conv/band/dgrad_choice.cuh"
#include "conv/band/wgrad_ranges.cuh"
#include "conv/implementations.h"
#include "conv/plan/backward_roles.h"
#include "conv/plan/conv_plan.h"
#include "cuda/divisor.h"

namespace accrete::kernels::cuda {

/// The roles and what a block divides by to find its own.
struct BackwardBlocks {
  BackwardRoles roles;
  Divisor ranges, channels;

  explicit BackwardBlocks(const BackwardRoles& r)
      : roles(r), ranges(r.tiles.ranges), channels(r.tiles.channels) {}
};

/// Computes  what band_dgrad_kernel<Data> and band_wgrad_kernel<Weights> do, of a convolution that
///           reads x through a norm. Data is a DgradShape, Weights a Wgrad1x1 or a Wgrad3x3.
/// Operands  theirs; both read the same dy and x.
/// Grid      x: roles.blocks. Of the first 2 * alternating blocks, even ones are block number b / 2
///           for the weights, odd ones number b / 2 for the data; the others are all of the role
///           that has more, number b - alternating. For the weights a number is that of
///           band_wgrad_kernel; for the data the range of channels runs fastest, then the range of
///           pixels, then the tile within that. A block whose tile lies behind the last does
///           nothing.
/// Threads, shared, limits: those of the role; dynamic shared memory is the larger of the two.
/// Work      FLOP and bytes of both; what both read comes from memory once where they keep pace.
template <class Data, class Weights>
__global__ void __launch_bounds__(Data::Tile::kThreads, 2)
    band_backward_kernel(const __grid_constant__ typename Data::Arguments data,
                         const __grid_constant__ typename Weights::Arguments weights,
                         const __grid_constant__ BackwardBlocks blocks) {
  static_assert(Data::Tile::kThreads == kWgradThreads);
  ACCRETE_DYNAMIC_SHARED(shared);
  const BackwardRoles& roles = blocks.roles;
  const std::uint32_t block = blockIdx.x;
  const bool alternates = block < 2 * roles.alternating;
  const std::uint32_t number = alternates ? block / 2 : block - roles.alternating;
  if (alternates ? block % 2 == 0 : roles.walking > roles.alternating) {
    Weights::run(weights, static_cast<int>(number), shared);
    return;
  }
  const std::uint32_t place = blocks.channels.divide(number);
  const std::uint32_t in_range = blocks.ranges.divide(place);
  const std::uint32_t tile = blocks.ranges.rest(place, in_range) * roles.tiles_per_range + in_range;
  if (tile < roles.tiles.pixels) {
    DgradBlock<Data>(data, static_cast<int>(tile),
                     static_cast<int>(blocks.channels.rest(number, place)), shared)
        .run();
  }
}

/// Weights<GradientChange, InputChange, FILTERS, ALIGN> beside the data's gradient. False, and
/// nothing is launched, where one of them does not fit.
template <class Weights, int SIDE>
bool launch_backward(const Stream& stream, const ConvBackward& call, const Workspace& workspace) {
  using Change = DeferredGradientPacks;
  constexpr int ALIGN = Weights::ALIGN;
  const ConvProblem& problem = call.problem;
  const ConstTensorView& y = companion(call.grad_y);
  const Change::Arguments due{DeferredGradientVectors(call.grad_y), PackSource(y)};
  const BandWgradPlan plan(problem, SIDE, walking_blocks(problem));
  return with_dgrad_shape<SIDE, ALIGN, Change, NormGradientTarget>([&]<class Data>(
                                                                       std::uint32_t most) {
    const ChunkPartials sums{(problem.x_shape().pixels() + Data::Tile::BM - 1) / Data::Tile::BM,
                             problem.C};
    auto data = Data::arguments(problem, call.grad_y.g, call.weight, due,
                                norm_gradient_target(call.x, call.norm, call.grad_x));
    const auto weights_with = [&](const WgradBlocks& blocks) {
      return Weights::arguments(problem, call.x, {NormVectors(call.norm)}, call.grad_y.g, due,
                                call.grad_weight, call.weight_mode, blocks);
    };
    const std::uint32_t shared = std::max(
        Data::shared_bytes(data), Weights::shared_bytes(weights_with({plan, nullptr, nullptr})));
    if (!has_room(stream, shared, most)) {
      return false;
    }
    data.target.results = chunk_results(stream, call.kName, problem.x_shape().pixels(),
                                        Data::Tile::BM, problem.C, workspace);
    const auto weights = weights_with(wgrad_blocks(
        stream, call.kName, plan, workspace_of_weights(call.problem, workspace), sums.tickets()));
    const dim3 tiles = Data::grid(data);
    const BackwardBlocks blocks(
        BackwardRoles({tiles.x, tiles.y, static_cast<std::uint32_t>(plan.tiles()),
                       static_cast<std::uint32_t>(plan.ranges)}));
    launch(stream, call.kName, &band_backward_kernel<Data, Weights>,
           {blocks.roles.blocks, kWgradThreads, shared}, data, weights, blocks);
    return true;
  });
}

/// With tiles of FILTERS or, where the plan says so, FEW filters.
template <template <class, class, int, int> class Wgrad, int FILTERS, int FEW, int SIDE>
bool launch_backward(const Stream& stream, const ConvBackward& call, const Workspace& workspace,
                     int alignment) {
  const auto with = [&]<int COUNT, int ALIGN>() {
    using Weights = Wgrad<DeferredGradientPacks, NormReluPacks, COUNT, ALIGN>;
    return launch_backward<Weights, SIDE>(stream, call, workspace);
  };
  const auto with_filters = [&]<int COUNT>() {
    return alignment == kPackBytes ? with.template operator()<COUNT, kPackBytes>()
                                   : with.template operator()<COUNT, kPackBytes / 2>();
  };
  return BandWgradPlan(call.problem, SIDE).filters == FEW
             ? with_filters.template operator()<FEW>()
             : with_filters.template operator()<FILTERS>();
}

}  // namespace accrete::kernels::cuda
