// SPDX-License-Identifier: Apache-2.0
// Gradient of a convolution's data: what batch norm owes to grad_y is applied on load, and with a
// norm the result is masked, scaled, accumulated and summed. Floor: g and y of grad_y, weight and x
// read once, out.g written once (read too when accumulating).
#include "cuda/fused_conv.h"
#include "cuda/implicit_gemm/fused_epilogue.cuh"
#include "cuda/implicit_gemm/pixel_kernel.cuh"
#include "cuda/plan/norm_plan.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void fused_conv_dgrad(const Stream& stream, const ConvProblem& problem,
                      const DeferredGradient& grad_y, ConstTensorView weight, ConstTensorView x,
                      const NormRelu& norm, const NormReluGradient& out, Workspace workspace) {
  constexpr const char* kOp = "fused_conv_dgrad";
  const std::int64_t rows = problem.x_shape().pixels();
  const bool accumulate = out.mode == GradMode::accumulate;
  const ChunkResults results =
      norm ? chunk_results(stream, kOp, rows, kFusedTileRows, problem.C, workspace)
           : ChunkResults{};
  const auto call = [&]<class Arithmetic, class Tile, bool VECTOR>() {
    static_assert(Tile::BM == kFusedTileRows);
    using T = typename Arithmetic::Element;
    const auto with_epilogue = [&]<class Epilogue>(const Epilogue& epilogue) {
      using Gemm =
          PixelGemm<Arithmetic, Tile, Direction::dgrad, VECTOR, DeferredOnLoad<T>, Epilogue>;
      return launch_pixel_gemm<Gemm>(
          stream, kOp,
          Gemm::arguments(problem, grad_y.g, weight, deferred_arguments<T>(grad_y), epilogue));
    };
    return norm ? with_epilogue(NormGradient<T>{ConstRows<T>(x), NormGradientVectors(norm, out),
                                                Rows<T>(out.g), accumulate, results,
                                                NormSumsSink(norm, out)})
                : with_epilogue(ElementWise<StoreOrAccumulate<T>>{{Rows<T>(out.g), accumulate}});
  };
  const bool vector = packs_fit(grad_y.g) && packs_fit(companion(grad_y)) && packs_fit(weight);
  with_arithmetic(stream, grad_y.g.dtype,
                  [&]<class Arithmetic>() { with_tile<Arithmetic>(problem.C, vector, call); });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
