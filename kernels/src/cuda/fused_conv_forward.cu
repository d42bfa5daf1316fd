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

Loads forward_loads(const ConvProblem& problem, const ConstTensorView& x,
                    const ConstTensorView& weight, const NormRelu& norm) {
  // Their table of taps lies in shared memory.
  constexpr std::int64_t kMostTaps = 256;
  if (packs_fit(x) && packs_fit(weight)) {
    return Loads::packs;
  }
  const bool few = !norm && problem.R * problem.S <= kMostTaps;
  return few && problem.C == 1 ? Loads::gray : few && problem.C == 3 ? Loads::rgb : Loads::elements;
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
  const Loads loads = forward_loads(problem, x, weight, norm);
  const auto call = [&]<class Arithmetic, class Tile>() {
    static_assert(Tile::BM == kFusedTileRows);
    using T = typename Arithmetic::Element;
    const auto with = [&]<Loads LOADS, class Transform>(
                          const typename Transform::Arguments& change) {
      using Gemm =
          PixelGemm<Arithmetic, Tile, Direction::forward, LOADS, Transform, StoreWithMoments<T>>;
      return launch_pixel_gemm<Gemm>(
          stream, kOp,
          Gemm::arguments(problem, ImageWalk::forward(problem), x, weight, change,
                          store_with_moments<T>(y, bias, statistics, results)));
    };
    using Keep = KeepLoaded<T>;
    using Norm = NormReluOnLoad<T>;
    switch (loads) {
      case Loads::gray:
        return with.template operator()<Loads::gray, Keep>({});
      case Loads::rgb:
        return with.template operator()<Loads::rgb, Keep>({});
      case Loads::packs:
        return norm ? with.template operator()<Loads::packs, Norm>({NormVectors(norm)})
                    : with.template operator()<Loads::packs, Keep>({});
      default:
        return norm ? with.template operator()<Loads::elements, Norm>({NormVectors(norm)})
                    : with.template operator()<Loads::elements, Keep>({});
    }
  };
  with_arithmetic(stream, x.dtype,
                  [&]<class Arithmetic>() { with_tile<Arithmetic>(problem.K, call); });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
