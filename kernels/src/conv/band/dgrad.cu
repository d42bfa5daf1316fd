// SPDX-License-Identifier: Apache-2.0
// Gradients of convolutions' data, by themselves.
#include "conv/implementations.h"

#include "conv/band/dgrad_choice.cuh"

namespace accrete::kernels::cuda {
namespace {

template <int SIDE, int ALIGN, class Change, class Target>
bool launch_dgrad(const Stream& stream, const ConvDgrad& call, const Workspace& workspace,
                  const typename Change::Arguments& change, const Target& target) {
  return with_dgrad_shape<SIDE, ALIGN, Change, Target>([&]<class Shape>(std::uint32_t most) {
    auto arguments = Shape::arguments(call.problem, call.grad_y.g, call.weight, change, target);
    const std::uint32_t shared = Shape::shared_bytes(arguments);
    if (!has_room(stream, shared, most)) {
      return false;
    }
    if constexpr (Target::kNorm) {
      arguments.target.results = chunk_results(stream, call.kName, call.problem.x_shape().pixels(),
                                               Shape::Tile::BM, call.problem.C, workspace);
    }
    launch(stream, call.kName, &band_dgrad_kernel<Shape>,
           {Shape::grid(arguments), Shape::Tile::kThreads, shared}, arguments);
    return true;
  });
}

}  // namespace

bool band_dgrad(const Stream& stream, const ConvDgrad& call, const Workspace& workspace) {
  const ConstTensorView& y = companion(call.grad_y);
  const TensorView& g = call.grad_x.g;
  const int aligned = std::min(row_alignment(call.grad_y.g, y, call.weight, g),
                               call.norm ? row_alignment(call.x) : kPackBytes);
  const PlainTarget plain{Rows<bf16>(g), call.grad_x.mode == GradMode::accumulate};
  const DeferredGradientPacks::Arguments due{DeferredGradientVectors(call.grad_y), PackSource(y)};
  return with_band(call.problem, aligned, [&]<int SIDE, int ALIGN>() {
    if (call.norm) {
      return launch_dgrad<SIDE, ALIGN, DeferredGradientPacks>(
          stream, call, workspace, due, norm_gradient_target(call.x, call.norm, call.grad_x));
    }
    return call.grad_y.y
               ? launch_dgrad<SIDE, ALIGN, DeferredGradientPacks>(stream, call, workspace, due,
                                                                  plain)
               : launch_dgrad<SIDE, ALIGN, PlainPacks>(stream, call, workspace, {}, plain);
  });
}

}  // namespace accrete::kernels::cuda
