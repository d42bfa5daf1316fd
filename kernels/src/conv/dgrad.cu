// SPDX-License-Identifier: Apache-2.0
// Gradient of a convolution's data: cuBLAS for linear layers, band kernels, and for what these do
// not take implicit GEMM (pixel_gemm), in which every pixel gathers from the results it took part
// in, a launch for each phase of the stride. What batch norm owes to grad_y is applied on load, and
// with a norm the result is masked, scaled, accumulated and summed. Floor: g and y of grad_y,
// weight and x read once, grad_x.g written once (read too when accumulating).
#include "accrete/kernels/conv.h"
#include "conv/implementations.h"
#include "conv/implicit_gemm/fused_epilogue.cuh"
#include "conv/implicit_gemm/pixel_kernel.cuh"
#include "conv/plan/conv_plan.h"

namespace accrete::kernels::cuda {
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

bool implicit_gemm(const Stream& stream, const ConvDgrad& call, const Workspace& workspace) {
  const ConvProblem& problem = call.problem;
  const DeferredGradient& grad_y = call.grad_y;
  const TensorView& g = call.grad_x.g;
  const bool accumulate = call.grad_x.mode == GradMode::accumulate;
  const ChunkResults results =
      call.norm
          ? chunk_results(stream, call.kName, problem.x_shape().pixels(),
                          RowChunks{kPixelTileRows, dgrad_tiles(problem)}, problem.C, workspace)
          : ChunkResults{};
  const bool packs = packs_fit(grad_y.g) && packs_fit(companion(grad_y)) && packs_fit(call.weight);
  const auto launch_on = [&]<class Arithmetic, class Tile>() {
    static_assert(Tile::BM == kPixelTileRows);
    using T = typename Arithmetic::Element;
    const auto with = [&]<class Transform, class Epilogue>(
                          const typename Transform::Arguments& change, const Epilogue& epilogue) {
      const auto launched = [&]<Loads LOADS>() {
        using Gemm = PixelGemm<Arithmetic, Tile, Direction::dgrad, LOADS, Transform, Epilogue>;
        return launch_phases<Gemm>(stream, call.kName, problem,
                                   Gemm::arguments(problem, ImageWalk::dgrad(problem, 0, 0),
                                                   grad_y.g, call.weight, change, epilogue));
      };
      return packs ? launched.template operator()<Loads::packs>()
                   : launched.template operator()<Loads::elements>();
    };
    const auto due = deferred_arguments<T>(grad_y);
    if (call.norm) {
      return with.template operator()<DeferredGradientLoad<T>>(
          due, NormGradientStore<T>{ConstRows<T>(call.x),
                                    NormGradientVectors(call.norm, call.grad_x), Rows<T>(g),
                                    accumulate, results, NormGradientSums(call.norm, call.grad_x)});
    }
    const ElementWise<PlainStore<T>> store{{Rows<T>(g), accumulate}};
    return grad_y.y ? with.template operator()<DeferredGradientLoad<T>>(due, store)
                    : with.template operator()<PlainLoad<T>>({}, store);
  };
  with_arithmetic(stream, grad_y.g.dtype,
                  [&]<class Arithmetic>() { with_tile<Arithmetic>(problem.C, launch_on); });
  return true;
}

constexpr Implementation<ConvDgrad> kImplementations[] = {
#if !defined(ACCRETE_SIMT)
    {"cublas", &cublas_dgrad},
#endif
    {"band", &band_dgrad},
    {"implicit gemm", &implicit_gemm},
};

}  // namespace

const char* run(const Stream& stream, const ConvDgrad& call, const Workspace& workspace) {
  return run_first(kImplementations, stream, call, workspace);
}

}  // namespace accrete::kernels::cuda
