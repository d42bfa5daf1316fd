// SPDX-License-Identifier: Apache-2.0
// Pooling of tensors that are normalised on load. Floor: x read once, the pooled tensor written
// once; backward x and the pooled gradient read once, g written once (read too when accumulating).
#include "cuda/moments.cuh"
#include "cuda/norm_average_pool.cuh"
#include "cuda/norm_max_pool.cuh"
#include "cuda/norm_relu.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
void norm_relu_average_pool_forward(const Stream& stream, const PoolProblem& problem,
                                    ConstTensorView x, const NormRelu& norm, TensorView y) {
  const auto launch_for = [&]<class T, bool ALIGNED, int WINDOW>() {
    const AverageForward<T, ALIGNED, WINDOW> body{PoolGeometry(problem),
                                                  ConstColumns<T, ALIGNED>(x), NormVectors(norm),
                                                  Columns<T, ALIGNED>(y)};
    launch_rows(stream, "norm_relu_average_pool_forward", body, y.shape.pixels(), y.shape.c);
  };
  const bool packs = packs_fit(x) && packs_fit(y) && vectors_fit(norm);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    tiles_image(problem, 2) ? launch_for.template operator()<T, ALIGNED, 2>()
                            : launch_for.template operator()<T, ALIGNED, 0>();
  });
}

void norm_relu_average_pool_backward(const Stream& stream, const PoolProblem& problem,
                                     ConstTensorView grad_y, ConstTensorView x,
                                     const NormRelu& norm, const NormReluGradient& out,
                                     Workspace workspace) {
  constexpr const char* kOp = "norm_relu_average_pool_backward";
  const bool packs = packs_fit(x, norm, out) && packs_fit(grad_y);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    const PoolGeometry geometry(problem);
    const ConstColumns<T, ALIGNED> gradient(grad_y);
    if (tiles_image(problem, 2)) {
      launch_norm_gradient<T, ALIGNED>(stream, kOp, TileSource<T, ALIGNED, 2>{geometry, gradient},
                                       grad_y.shape.pixels(), x, norm, out, workspace);
    } else {
      launch_norm_gradient<T, ALIGNED>(stream, kOp, AverageSource<T, ALIGNED>{geometry, gradient},
                                       x.shape.pixels(), x, norm, out, workspace);
    }
  });
}

void norm_relu_global_average_pool_forward(const Stream& stream, ConstTensorView x,
                                           const NormRelu& norm, TensorView y) {
  with_columns(x.dtype, packs_fit(x) && vectors_fit(norm), [&]<class T, bool ALIGNED>() {
    const RowChunks images{x.shape.h * x.shape.w, x.shape.n};
    launch(stream, "norm_relu_global_average_pool_forward", &global_average<T, ALIGNED>,
           column_shape<ChannelPack<T, ALIGNED>>(images, x.shape.c), ConstColumns<T, ALIGNED>(x),
           NormVectors(norm), Rows<T>(y), walked_rows(x.shape.pixels(), images, x.shape.c));
  });
}

void norm_relu_global_average_pool_backward(const Stream& stream, ConstTensorView grad_y,
                                            ConstTensorView x, const NormRelu& norm,
                                            const NormReluGradient& out, Workspace workspace) {
  const bool packs = packs_fit(x, norm, out) && packs_fit(grad_y);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    const std::int64_t pixels = x.shape.h * x.shape.w;
    const GlobalAverageSource<T, ALIGNED> source{ConstColumns<T, ALIGNED>(grad_y), Divisor(pixels),
                                                 1.0F / static_cast<float>(pixels)};
    launch_norm_gradient<T, ALIGNED>(stream, "norm_relu_global_average_pool_backward", source,
                                     x.shape.pixels(), x, norm, out, workspace);
  });
}

void norm_relu_max_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                                const NormRelu& norm, TensorView y, TensorView winner,
                                const StatisticsOutput& statistics, Workspace workspace) {
  constexpr const char* kOp = "norm_relu_max_pool_forward";
  const auto launch_for = [&]<class T, bool ALIGNED, int WINDOW>() {
    const MaxForward<T, ALIGNED, WINDOW> body{PoolGeometry(problem),
                                              ConstColumns<T, ALIGNED>(x),
                                              NormVectors(norm),
                                              Columns<T, ALIGNED>(y),
                                              {winner.u8(), problem.C}};
    if (statistics) {
      // The workspace is that of x, and padding can make y the larger one.
      launch_moments_of(stream, kOp, body, y.shape, row_chunks(x.shape.pixels()).count,
                        StatisticsSink(statistics), workspace);
    } else {
      launch_rows(stream, kOp, body, y.shape.pixels(), y.shape.c);
    }
  };
  const bool packs = packs_fit(x) && packs_fit(y) && vectors_fit(norm) && winners_fit(winner);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    if constexpr (ALIGNED) {
      if (problem.R == 3 && problem.S == 3) {
        return launch_for.template operator()<T, ALIGNED, 3>();
      }
    }
    launch_for.template operator()<T, ALIGNED, 0>();
  });
}

void norm_relu_max_pool_backward(const Stream& stream, const PoolProblem& problem,
                                 const DeferredGradient& grad_y, ConstTensorView winner,
                                 ConstTensorView x, const NormRelu& norm,
                                 const NormReluGradient& out, Workspace workspace) {
  const ConstTensorView& y = companion(grad_y);
  const bool packs = packs_fit(x, norm, out) && packs_fit(grad_y.g) && packs_fit(y) &&
                     vectors_fit(grad_y) && winners_fit(winner);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    const auto launch_from = [&]<class Source>(std::int64_t rows) {
      const Source source{PoolGeometry(problem),
                          ConstColumns<T, ALIGNED>(grad_y.g),
                          ConstColumns<T, ALIGNED>(y),
                          DeferredVectors(grad_y),
                          {winner.u8(), problem.C}};
      launch_norm_gradient<T, ALIGNED>(stream, "norm_relu_max_pool_backward", source, rows, x, norm,
                                       out, workspace);
    };
    if (halves_image(problem)) {
      launch_from.template operator()<MaxTileSource<T, ALIGNED>>(winner.shape.pixels());
    } else {
      launch_from.template operator()<MaxSource<T, ALIGNED>>(x.shape.pixels());
    }
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
