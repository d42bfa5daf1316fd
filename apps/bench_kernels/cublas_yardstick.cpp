// SPDX-License-Identifier: Apache-2.0
// cuBLAS is column-major and sees a row-major matrix as its transpose, so it is asked for
// result^T = right^T * left^T.
#include <cublas_v2.h>

#include "cuda/cuda_calls.h"
#include "matrix_product.h"
#include "yardsticks.h"

namespace accrete::bench {
namespace {

cudaDataType_t blas_type(DType dtype) {
  return dtype == DType::bf16 ? CUDA_R_16BF : CUDA_R_32F;
}

cublasOperation_t operation(const MatrixProduct::Factor& factor) {
  return factor.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

void multiply(cublasHandle_t handle, cublasComputeType_t compute, const MatrixProduct& p) {
  const auto extent = [](std::int64_t value) { return static_cast<int>(value); };
  const float alpha = 1.0F;
  const float beta = 0.0F;
  kernels::cuda::check_cublas(
      cublasGemmEx(handle, operation(p.right), operation(p.left), extent(p.columns), extent(p.rows),
                   extent(p.inner), &alpha, p.right.view.data, blas_type(p.right.view.dtype),
                   extent(p.right.view.pitch), p.left.view.data, blas_type(p.left.view.dtype),
                   extent(p.left.view.pitch), &beta, p.result.data, blas_type(p.result.dtype),
                   extent(p.result.pitch), compute, CUBLAS_GEMM_DEFAULT),
      "bench", "cublasGemmEx");
}

class Cublas final : public ConvYardstick {
 public:
  const char* name() const override { return "cublas"; }
  bool covers(const ConvProblem& problem) const override { return is_matrix_product(problem); }

  Call prepare(Workbench& bench, Pass pass, const ConvTensors& tensors) const override {
    const auto handle = static_cast<cublasHandle_t>(bench.runtime().stream().blas());
    const cublasComputeType_t compute =
        bench.arithmetic() == Arithmetic::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    return [handle, compute, product = matrix_product(pass, tensors)] {
      multiply(handle, compute, product);
    };
  }
};

}  // namespace

std::unique_ptr<ConvYardstick> make_cublas() {
  return std::make_unique<Cublas>();
}

}  // namespace accrete::bench
