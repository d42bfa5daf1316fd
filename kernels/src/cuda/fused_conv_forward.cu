// SPDX-License-Identifier: Apache-2.0
// Convolution forward that normalises x on load and takes the statistics of y. Floor: that of
// conv_forward.cu; statistics add 2 numbers per channel and 128 pixels, written and read.
#include "cuda/fused_conv.h"
#include "cuda/implicit_gemm/fused_epilogue.cuh"
#include "cuda/implicit_gemm/pixel_kernel.cuh"
#include "cuda/plan/norm_plan.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void fused_conv_forward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                        const NormRelu& norm, ConstTensorView weight, ConstTensorView bias,
                        TensorView y, const StatisticsOutput& statistics, Workspace workspace) {
  constexpr const char* kOp = "fused_conv_forward";
  const std::int64_t rows = y.shape.pixels();
  const ChunkResults results =
      statistics ? chunk_results(stream, kOp, rows, kFusedTileRows, problem.K, workspace)
                 : ChunkResults{};
  const auto call = [&]<class Arithmetic, class Tile, bool VECTOR>() {
    static_assert(Tile::BM == kFusedTileRows);
    using T = typename Arithmetic::Element;
    const StoreWithMoments<T> epilogue{Rows<T>(y), bias.f32(), static_cast<bool>(statistics),
                                       results, StatisticsSink(statistics)};
    const auto with_load = [&]<class Transform>(const typename Transform::Arguments& change) {
      using Gemm =
          PixelGemm<Arithmetic, Tile, Direction::forward, VECTOR, Transform, StoreWithMoments<T>>;
      return launch_pixel_gemm<Gemm>(stream, kOp,
                                     Gemm::arguments(problem, x, weight, change, epilogue));
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
