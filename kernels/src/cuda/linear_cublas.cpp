// SPDX-License-Identifier: Apache-2.0
// cuBLAS is column-major: a packed row-major [rows, columns] matrix is its [columns, rows] one, and
// the pitch of a view is its leading dimension.
#include "cuda/linear_cublas.h"

#include <cublas_v2.h>

#include "cuda/cuda_error.h"

namespace accrete::kernels::cuda {
namespace {

cudaDataType_t blas_type(DType dtype) {
  return dtype == DType::bf16 ? CUDA_R_16BF : CUDA_R_32F;
}

cublasComputeType_t compute_type(const Stream& stream) {
  return stream.float_math() == FloatMath::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

struct Factor {
  const ConstTensorView& view;
  cublasOperation_t operation;
};

// result [columns of it, rows] (= or +=) left * right in cuBLAS's order; `inner` is the summed
// extent.
void multiply(const Stream& stream, const char* op, const Factor& left, const Factor& right,
              std::int64_t inner, const TensorView& result, GradMode mode) {
  const float alpha = 1.0F;
  const float beta = mode == GradMode::accumulate ? 1.0F : 0.0F;
  check_cublas(
      cublasGemmEx(static_cast<cublasHandle_t>(stream.blas()), left.operation, right.operation,
                   static_cast<int>(result.shape.c), static_cast<int>(result.shape.n),
                   static_cast<int>(inner), &alpha, left.view.data, blas_type(left.view.dtype),
                   static_cast<int>(left.view.pitch), right.view.data, blas_type(right.view.dtype),
                   static_cast<int>(right.view.pitch), &beta, result.data, blas_type(result.dtype),
                   static_cast<int>(result.pitch), compute_type(stream), CUBLAS_GEMM_DEFAULT),
      op, "cublasGemmEx");
}

}  // namespace

void cublas_linear_forward(const Stream& stream, const ConstTensorView& x,
                           const ConstTensorView& weight, const TensorView& y, GradMode mode) {
  multiply(stream, "linear_forward", {weight, CUBLAS_OP_T}, {x, CUBLAS_OP_N}, weight.shape.c, y,
           mode);
}

void cublas_linear_dgrad(const Stream& stream, const ConstTensorView& grad_y,
                         const ConstTensorView& weight, const TensorView& grad_x, GradMode mode) {
  multiply(stream, "linear_dgrad", {weight, CUBLAS_OP_N}, {grad_y, CUBLAS_OP_N}, weight.shape.n,
           grad_x, mode);
}

void cublas_linear_wgrad(const Stream& stream, const ConstTensorView& x,
                         const ConstTensorView& grad_y, const TensorView& grad_weight,
                         GradMode mode) {
  multiply(stream, "linear_wgrad", {x, CUBLAS_OP_N}, {grad_y, CUBLAS_OP_T}, x.shape.n, grad_weight,
           mode);
}

}  // namespace accrete::kernels::cuda
