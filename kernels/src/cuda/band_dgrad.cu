// SPDX-License-Identifier: Apache-2.0
// Gradients of convolutions' data, by themselves.
#include "cuda/band_gemm/band_dgrad.h"

#include "cuda/band_gemm/dgrad_choice.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

struct DgradCall {
  const Stream& stream;
  const char* op;
  const ConvProblem& problem;
  ConstTensorView dy, weight;
  Workspace workspace;
};

template <int SIDE, int ALIGN, class Change, class Target>
bool launch_dgrad(const DgradCall& call, const typename Change::Arguments& change,
                  const Target& target) {
  return with_dgrad_shape<SIDE, ALIGN, Change, Target>([&]<class Shape>(std::uint32_t most) {
    auto arguments = Shape::arguments(call.problem, call.dy, call.weight, change, target);
    const std::uint32_t shared = Shape::shared_bytes(arguments);
    if (!has_room(call.stream, shared, most)) {
      return false;
    }
    if constexpr (Target::kNorm) {
      arguments.target.results =
          chunk_results(call.stream, call.op, call.problem.x_shape().pixels(), Shape::Tile::BM,
                        call.problem.C, call.workspace);
    }
    launch(call.stream, call.op, &band_dgrad_kernel<Shape>,
           {Shape::grid(arguments), Shape::Tile::kThreads, shared}, arguments);
    return true;
  });
}

}  // namespace

bool band_dgrad(const Stream& stream, const char* op, const ConvProblem& problem,
                const DeferredGradient& grad_y, const ConstTensorView& weight,
                const ConstTensorView& x, const NormRelu& norm, const NormReluGradient& out,
                const Workspace& workspace) {
  const ConstTensorView& y = companion(grad_y);
  const int aligned =
      std::min(row_alignment(grad_y.g, y, weight, out.g), norm ? row_alignment(x) : kPackBytes);
  const DgradCall call{stream, op, problem, grad_y.g, weight, workspace};
  const PlainTarget plain{Rows<bf16>(out.g), out.mode == GradMode::accumulate};
  const DeferredPacks::Arguments due{DeferredVectors(grad_y), PackSource(y)};
  return with_band(problem, aligned, [&]<int SIDE, int ALIGN>() {
    if (norm) {
      return launch_dgrad<SIDE, ALIGN, DeferredPacks>(call, due,
                                                      norm_gradient_target(x, norm, out));
    }
    return grad_y.y ? launch_dgrad<SIDE, ALIGN, DeferredPacks>(call, due, plain)
                    : launch_dgrad<SIDE, ALIGN, KeepPacks>(call, {}, plain);
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
