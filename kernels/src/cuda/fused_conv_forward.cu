// SPDX-License-Identifier: Apache-2.0
// Convolution forward as implicit GEMM: M = N*P*Q pixels, N = K channels, K = R*S*C; x is
// normalised on load and the statistics of y are taken. What band kernels do not take. Floor: x,
// weight and y moved once; 2*R*S*C FLOP per result; statistics add 2 numbers per channel and tile,
// written and read. A 128x128 tile in bf16 moves 1/64 + 1/64 bytes per FLOP through L2.
#include "cuda/fused_conv.h"

#include "cuda/band_gemm/band_forward.h"
#include "cuda/band_gemm/launch.cuh"
#include "cuda/implicit_gemm/fused_epilogue.cuh"
#include "cuda/implicit_gemm/pixel_kernel.cuh"
#include "cuda/plan/norm_plan.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

template <class T>
StoreWithMoments<T> store_with_moments(const TensorView& y, const ConstTensorView& bias,
                                       const StatisticsOutput& statistics,
                                       const ChunkResults& results) {
  const auto wanted = static_cast<bool>(statistics);
  if constexpr (sizeof(T) == 2) {
    return {
        {Rows<T>(y), row_alignment(y), bias.f32(), wanted, results, StatisticsSink(statistics)}};
  } else {
    return {Rows<T>(y), bias.f32(), wanted, results, StatisticsSink(statistics)};
  }
}

}  // namespace

void fused_conv_forward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                        const NormRelu& norm, ConstTensorView weight, ConstTensorView bias,
                        TensorView y, const StatisticsOutput& statistics, Workspace workspace) {
  constexpr const char* kOp = "fused_conv_forward";
  if (band_forward(stream, kOp, problem, x, norm, weight, bias, y, statistics, workspace)) {
    return;
  }
  const ChunkResults results = statistics ? chunk_results(stream, kOp, y.shape.pixels(),
                                                          kFusedTileRows, problem.K, workspace)
                                          : ChunkResults{};
  const auto call = [&]<class Arithmetic, class Tile, bool VECTOR>() {
    static_assert(Tile::BM == kFusedTileRows);
    using T = typename Arithmetic::Element;
    const auto with_load = [&]<class Transform>(const typename Transform::Arguments& change) {
      using Gemm =
          PixelGemm<Arithmetic, Tile, Direction::forward, VECTOR, Transform, StoreWithMoments<T>>;
      return launch_pixel_gemm<Gemm>(
          stream, kOp,
          Gemm::arguments(problem, ImageWalk::forward(problem), x, weight, change,
                          store_with_moments<T>(y, bias, statistics, results)));
    };
    return norm ? with_load.template operator()<NormReluOnLoad<T>>({NormVectors(norm)})
                : with_load.template operator()<KeepLoaded<T>>({});
  };
  const bool vector = packs_fit(x) && packs_fit(weight);
  with_arithmetic(stream, x.dtype,
                  [&]<class Arithmetic>() { with_tile<Arithmetic>(problem.K, vector, call); });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
