// SPDX-License-Identifier: Apache-2.0
// Tiles of convolutions forward. One block is 4 warps; two of them share a multiprocessor where
// their shared memory allows.
#include "conv/implementations.h"

#include "conv/band/forward_kernel.cuh"
#include "conv/band/launch.cuh"
#include "conv/band/tuning.cuh"

namespace accrete::kernels::cuda {
namespace {

// False where a block needs more than `most` bytes of shared memory.
template <class Shape>
bool launch_shape(const Stream& stream, const ConvForward& call, const Workspace& workspace,
                  const typename Shape::Change::Arguments& change, std::uint32_t most) {
  using Tile = typename Shape::Tile;
  const std::int64_t pixels = call.problem.y_shape().pixels();
  StatisticsEpilogue epilogue{Rows<bf16>(call.y), row_alignment(call.y),
                              call.bias.f32(),    static_cast<bool>(call.statistics),
                              ChunkResults{},     StatisticsSink(call.statistics)};
  auto arguments = Shape::arguments(call.problem, call.x, call.weight, change, epilogue);
  const std::uint32_t shared = Shape::shared_bytes(arguments);
  if (!has_room(stream, shared, most)) {
    return false;
  }
  if (call.statistics) {
    arguments.epilogue.results =
        chunk_results(stream, call.kName, pixels, Tile::BM, call.problem.K, workspace);
  }
  launch(stream, call.kName, &band_forward_kernel<Shape>,
         {Shape::grid(arguments), Tile::kThreads, shared}, arguments);
  return true;
}

template <int SIDE, int ALIGN, class Change>
bool launch_tile(const Stream& stream, const ConvForward& call, const Workspace& workspace,
                 const typename Change::Arguments& change) {
  const auto fits = [&]<class Tile, int STAGES>(std::uint32_t most) {
    return launch_shape<ForwardShape<SIDE, Tile, STAGES, Change, ALIGN>>(stream, call, workspace,
                                                                         change, most);
  };
  const std::int64_t filters = call.problem.K;
  if constexpr (SIDE == 3) {
    return filters > 32
               ? fits.template operator()<Tile<128, 64, 32, 64, kSlice>, 2>(kAnySharedBytes)
               : fits.template operator()<Forward3Tile, 2>(kHalfSharedBytes) ||
                     fits.template operator()<Tile<128, 32, 32, 32, kSlice>, 2>(kAnySharedBytes);
  } else {
    return filters > 64 ? fits.template operator()<Forward1Tile, kForward1Stages>(kAnySharedBytes)
           : filters > 32
               ? fits.template operator()<Tile<128, 64, 32, 64, kSlice>, 4>(kAnySharedBytes)
               : fits.template operator()<Tile<128, 32, 32, 32, kSlice>, 4>(kAnySharedBytes);
  }
}

}  // namespace

bool band_forward(const Stream& stream, const ConvForward& call, const Workspace& workspace) {
  const int alignment = row_alignment(call.x, call.weight, call.y);
  return with_band(call.problem, alignment, [&]<int SIDE, int ALIGN>() {
    return call.norm ? launch_tile<SIDE, ALIGN, NormReluPacks>(stream, call, workspace,
                                                               {NormVectors(call.norm)})
                     : launch_tile<SIDE, ALIGN, PlainPacks>(stream, call, workspace, {});
  });
}

}  // namespace accrete::kernels::cuda
