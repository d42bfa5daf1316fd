// SPDX-License-Identifier: Apache-2.0
// Convolution forward: cuBLAS for linear layers, band kernels, and for what these do not take
// implicit GEMM (pixel_gemm): x is normalised on load and the statistics of y are taken. Floor: x,
// weight and y moved once; statistics add 2 numbers per channel and tile, written and read.
#include "accrete/kernels/conv.h"
#include "conv/band/launch.cuh"
#include "conv/implementations.h"
#include "conv/implicit_gemm/fused_epilogue.cuh"
#include "conv/implicit_gemm/pixel_kernel.cuh"
#include "conv/plan/conv_plan.h"

namespace accrete::kernels::cuda {
namespace {

template <class T>
StatisticsStore<T> statistics_store(const ConvForward& call, const ChunkResults& results) {
  const auto wanted = static_cast<bool>(call.statistics);
  const StatisticsSink sink(call.statistics);
  if constexpr (sizeof(T) == 2) {
    return {{Rows<T>(call.y), row_alignment(call.y), call.bias.f32(), wanted, results, sink}};
  } else {
    return {Rows<T>(call.y), call.bias.f32(), wanted, results, sink};
  }
}

Loads forward_loads(const ConvForward& call) {
  // Their table of taps lies in shared memory.
  constexpr std::int64_t kMostTaps = 256;
  if (packs_fit(call.x) && packs_fit(call.weight)) {
    return Loads::packs;
  }
  const ConvProblem& problem = call.problem;
  const bool few = !call.norm && problem.R * problem.S <= kMostTaps;
  return few && problem.C == 1 ? Loads::gray : few && problem.C == 3 ? Loads::rgb : Loads::elements;
}

bool implicit_gemm(const Stream& stream, const ConvForward& call, const Workspace& workspace) {
  const ConvProblem& problem = call.problem;
  const NormRelu& norm = call.norm;
  const ChunkResults results = call.statistics
                                   ? chunk_results(stream, call.kName, call.y.shape.pixels(),
                                                   kPixelTileRows, problem.K, workspace)
                                   : ChunkResults{};
  const Loads loads = forward_loads(call);
  const auto launch_on = [&]<class Arithmetic, class Tile>() {
    static_assert(Tile::BM == kPixelTileRows);
    using T = typename Arithmetic::Element;
    const auto with =
        [&]<Loads LOADS, class Transform>(const typename Transform::Arguments& change) {
          using Gemm =
              PixelGemm<Arithmetic, Tile, Direction::forward, LOADS, Transform, StatisticsStore<T>>;
          return launch_pixel_gemm<Gemm>(
              stream, call.kName,
              Gemm::arguments(problem, ImageWalk::forward(problem), call.x, call.weight, change,
                              statistics_store<T>(call, results)));
        };
    using Keep = PlainLoad<T>;
    using Norm = NormReluLoad<T>;
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
  with_arithmetic(stream, call.x.dtype,
                  [&]<class Arithmetic>() { with_tile<Arithmetic>(problem.K, launch_on); });
  return true;
}

constexpr Implementation<ConvForward> kImplementations[] = {
#if !defined(ACCRETE_SIMT)
    {"cublas", &cublas_forward},
#endif
    {"band", &band_forward},
    {"implicit gemm", &implicit_gemm},
};

}  // namespace

const char* run(const Stream& stream, const ConvForward& call, const Workspace& workspace) {
  return run_first(kImplementations, stream, call, workspace);
}

}  // namespace accrete::kernels::cuda
