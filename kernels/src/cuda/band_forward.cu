// SPDX-License-Identifier: Apache-2.0
// Tiles of convolutions forward. One block is 4 warps; two of them share a multiprocessor where
// their shared memory allows.
#include "cuda/band_gemm/band_forward.h"

#include "cuda/band_gemm/forward_kernel.cuh"
#include "cuda/band_gemm/launch.cuh"
#include "cuda/band_gemm/tuning.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

struct ForwardCall {
  const Stream& stream;
  const char* op;
  const ConvProblem& problem;
  ConstTensorView x, weight, bias;
  TensorView y;
  const StatisticsOutput& statistics;
  Workspace workspace;
};

// False where a block needs more than `most` bytes of shared memory.
template <class Shape>
bool launch_shape(const ForwardCall& call, const typename Shape::Change::Arguments& change,
                  std::uint32_t most) {
  using Tile = typename Shape::Tile;
  const std::int64_t pixels = call.problem.y_shape().pixels();
  MomentsEpilogue epilogue{Rows<bf16>(call.y), row_alignment(call.y),
                           call.bias.f32(),    static_cast<bool>(call.statistics),
                           ChunkResults{},     StatisticsSink(call.statistics)};
  auto arguments = Shape::arguments(call.problem, call.x, call.weight, change, epilogue);
  const std::uint32_t shared = Shape::shared_bytes(arguments);
  if (!has_room(call.stream, shared, most)) {
    return false;
  }
  if (call.statistics) {
    arguments.epilogue.results =
        chunk_results(call.stream, call.op, pixels, Tile::BM, call.problem.K, call.workspace);
  }
  launch(call.stream, call.op, &band_forward_kernel<Shape>,
         {Shape::grid(arguments), Tile::kThreads, shared}, arguments);
  return true;
}

template <int SIDE, int ALIGN, class Change>
bool launch_tile(const ForwardCall& call, const typename Change::Arguments& change) {
  const auto fits = [&]<class Tile, int STAGES>(std::uint32_t most) {
    return launch_shape<ForwardShape<SIDE, Tile, STAGES, Change, ALIGN>>(call, change, most);
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

bool band_forward(const Stream& stream, const char* op, const ConvProblem& problem,
                  const ConstTensorView& x, const NormRelu& norm, const ConstTensorView& weight,
                  const ConstTensorView& bias, const TensorView& y,
                  const StatisticsOutput& statistics, const Workspace& workspace) {
  const ForwardCall call{stream, op, problem, x, weight, bias, y, statistics, workspace};
  return with_band(problem, row_alignment(x, weight, y), [&]<int SIDE, int ALIGN>() {
    return norm ? launch_tile<SIDE, ALIGN, NormReluPacks>(call, {NormVectors(norm)})
                : launch_tile<SIDE, ALIGN, KeepPacks>(call, {});
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
