// SPDX-License-Identifier: Apache-2.0
// Gradient of a convolution's data as implicit GEMM: M = pixels of x, N = C channels, K = taps
// times K filters: every pixel gathers from the results it took part in, a launch for each phase of
// the stride (image_walk.cuh). What batch norm owes to grad_y is applied on load, and with a norm
// the result is masked, scaled, accumulated and summed. What band kernels do not take. Floor: g and
// y of grad_y, weight and x read once, out.g written once (read too when accumulating).
#include "cuda/fused_conv.h"

#include "cuda/band_gemm/band_dgrad.h"
#include "cuda/implicit_gemm/fused_epilogue.cuh"
#include "cuda/implicit_gemm/pixel_kernel.cuh"
#include "cuda/plan/norm_plan.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

// Returns what launch_pixel_gemm does; tiles of all phases are numbered through.
template <class Gemm>
bool launch_phases(const Stream& stream, const char* op, const ConvProblem& problem,
                   typename Gemm::Arguments arguments) {
  for (std::int64_t phase = 0; phase < problem.stride_h * problem.stride_w; ++phase) {
    arguments.walk = ImageWalk::dgrad(problem, phase / problem.stride_w, phase % problem.stride_w);
    if (!launch_pixel_gemm<Gemm>(stream, op, arguments)) {
      return false;
    }
    arguments.first_tile += Gemm::grid(arguments).x;
  }
  return true;
}

}  // namespace

void fused_conv_dgrad(const Stream& stream, const ConvProblem& problem,
                      const DeferredGradient& grad_y, ConstTensorView weight, ConstTensorView x,
                      const NormRelu& norm, const NormReluGradient& out, Workspace workspace) {
  constexpr const char* kOp = "fused_conv_dgrad";
  if (band_dgrad(stream, kOp, problem, grad_y, weight, x, norm, out, workspace)) {
    return;
  }
  const bool accumulate = out.mode == GradMode::accumulate;
  const ChunkResults results =
      norm ? chunk_results(stream, kOp, problem.x_shape().pixels(),
                           RowChunks{kFusedTileRows, dgrad_tiles(problem)}, problem.C, workspace)
           : ChunkResults{};
  const bool packs = packs_fit(grad_y.g) && packs_fit(companion(grad_y)) && packs_fit(weight);
  const auto call = [&]<class Arithmetic, class Tile>() {
    static_assert(Tile::BM == kFusedTileRows);
    using T = typename Arithmetic::Element;
    const auto with = [&]<class Transform, class Epilogue>(
                          const typename Transform::Arguments& change, const Epilogue& epilogue) {
      const auto launched = [&]<Loads LOADS>() {
        using Gemm = PixelGemm<Arithmetic, Tile, Direction::dgrad, LOADS, Transform, Epilogue>;
        return launch_phases<Gemm>(stream, kOp, problem,
                                   Gemm::arguments(problem, ImageWalk::dgrad(problem, 0, 0),
                                                   grad_y.g, weight, change, epilogue));
      };
      return packs ? launched.template operator()<Loads::packs>()
                   : launched.template operator()<Loads::elements>();
    };
    const auto due = deferred_arguments<T>(grad_y);
    if (norm) {
      return with.template operator()<DeferredOnLoad<T>>(
          due,
          NormGradientEpilogue<T>{ConstRows<T>(x), NormGradientVectors(norm, out), Rows<T>(out.g),
                                  accumulate, results, NormSumsSink(norm, out)});
    }
    const ElementWise<StoreOrAccumulate<T>> store{{Rows<T>(out.g), accumulate}};
    return grad_y.y ? with.template operator()<DeferredOnLoad<T>>(due, store)
                    : with.template operator()<KeepLoaded<T>>({}, store);
  };
  with_arithmetic(stream, grad_y.g.dtype,
                  [&]<class Arithmetic>() { with_tile<Arithmetic>(problem.C, call); });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
