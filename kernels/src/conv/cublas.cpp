// SPDX-License-Identifier: Apache-2.0
// cuBLAS is column-major: a packed row-major [rows, columns] matrix is its [columns, rows] one, and
// the pitch of a view is its leading dimension.
#include "conv/implementations.h"

#include <cublas_v2.h>

#include "call/backend.h"
#include "cuda/cuda_calls.h"

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

bool is_linear(const Stream& stream, const ConvProblem& p) {
  return stream.blas() != nullptr && p.H == 1 && p.W == 1 && p.R == 1 && p.S == 1 && p.pad_h == 0 &&
         p.pad_w == 0;
}

// Every row of y = bias: a matrix whose rows all lie in the same place.
GradMode start_with_bias(const Stream& stream, const ConstTensorView& bias, const TensorView& y) {
  if (!bias) {
    return GradMode::overwrite;
  }
  const ConstTensorView rows(bias.data, y.shape, 0, bias.dtype, bias.device);
  cuda::run(stream, Copy{rows, y, GradMode::overwrite}, {});
  return GradMode::accumulate;
}

}  // namespace

bool cublas_forward(const Stream& stream, const ConvForward& call, const Workspace& /*workspace*/) {
  if (!is_linear(stream, call.problem) || call.norm || call.statistics) {
    return false;
  }
  multiply(stream, call.kName, {call.weight, CUBLAS_OP_T}, {call.x, CUBLAS_OP_N}, call.problem.C,
           call.y, start_with_bias(stream, call.bias, call.y));
  return true;
}

bool cublas_dgrad(const Stream& stream, const ConvDgrad& call, const Workspace& /*workspace*/) {
  if (!is_linear(stream, call.problem) || call.norm || call.grad_y.y) {
    return false;
  }
  multiply(stream, call.kName, {call.weight, CUBLAS_OP_N}, {call.grad_y.g, CUBLAS_OP_N},
           call.problem.K, call.grad_x.g, call.grad_x.mode);
  return true;
}

bool cublas_wgrad(const Stream& stream, const ConvWgrad& call, const Workspace& /*workspace*/) {
  if (!is_linear(stream, call.problem) || call.norm || call.grad_y.y) {
    return false;
  }
  multiply(stream, call.kName, {call.x, CUBLAS_OP_N}, {call.grad_y.g, CUBLAS_OP_T}, call.problem.N,
           call.grad_weight, call.mode);
  return true;
}

}  // namespace accrete::kernels::cuda
