// SPDX-License-Identifier: Apache-2.0
// Linear layers: cuBLAS where the stream has a handle, else the 1x1 case of the convolutions.
#include "cuda/linear.h"

#include "cuda/conv.h"
#include "cuda/elementwise.h"
#if !defined(ACCRETE_SIMT)
#include "cuda/linear_cublas.h"
#endif

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

ConvProblem as_convolution(const ConstTensorView& rows, const ConstTensorView& weight) {
  ConvProblem problem;
  problem.N = rows.shape.n;
  problem.C = weight.shape.c;
  problem.K = weight.shape.n;
  return problem;
}

#if !defined(ACCRETE_SIMT)
// Every row of y = bias: a matrix whose rows all lie in the same place.
GradMode start_with_bias(const Stream& stream, const ConstTensorView& bias, const TensorView& y) {
  if (!bias) {
    return GradMode::overwrite;
  }
  cast(stream, ConstTensorView(bias.data, y.shape, 0, bias.dtype, bias.device), y);
  return GradMode::accumulate;
}
#endif

}  // namespace

void linear_forward(const Stream& stream, ConstTensorView x, ConstTensorView weight,
                    ConstTensorView bias, TensorView y, Workspace workspace) {
#if !defined(ACCRETE_SIMT)
  if (stream.blas() != nullptr) {
    cublas_linear_forward(stream, x, weight, y, start_with_bias(stream, bias, y));
    return;
  }
#endif
  conv_forward(stream, as_convolution(x, weight), x, weight, bias, y, workspace);
}

void linear_dgrad(const Stream& stream, ConstTensorView grad_y, ConstTensorView weight,
                  TensorView grad_x, GradMode mode, Workspace workspace) {
#if !defined(ACCRETE_SIMT)
  if (stream.blas() != nullptr) {
    cublas_linear_dgrad(stream, grad_y, weight, grad_x, mode);
    return;
  }
#endif
  conv_dgrad(stream, as_convolution(grad_y, weight), grad_y, weight, grad_x, mode, workspace);
}

void linear_wgrad(const Stream& stream, ConstTensorView x, ConstTensorView grad_y,
                  TensorView grad_weight, GradMode mode, Workspace workspace) {
#if !defined(ACCRETE_SIMT)
  if (stream.blas() != nullptr) {
    cublas_linear_wgrad(stream, x, grad_y, grad_weight, mode);
    return;
  }
#endif
  conv_wgrad(stream, as_convolution(x, grad_weight), x, grad_y, grad_weight, mode, workspace);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
