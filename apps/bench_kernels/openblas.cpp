// SPDX-License-Identifier: Apache-2.0
#include "yardsticks.h"

#ifdef ACCRETE_HAS_CBLAS
#include <cblas.h>

#include "matrix_product.h"

namespace accrete::bench {
namespace {

CBLAS_TRANSPOSE operation(const MatrixProduct::Factor& factor) {
  return factor.transposed ? CblasTrans : CblasNoTrans;
}

void multiply(const MatrixProduct& p) {
  const auto extent = [](std::int64_t value) { return static_cast<blasint>(value); };
  cblas_sgemm(CblasRowMajor, operation(p.left), operation(p.right), extent(p.rows),
              extent(p.columns), extent(p.inner), 1.0F, p.left.view.f32(),
              extent(p.left.view.pitch), p.right.view.f32(), extent(p.right.view.pitch), 0.0F,
              p.result.f32(), extent(p.result.pitch));
}

class OpenBlas final : public ConvYardstick {
 public:
  const char* name() const override { return "openblas"; }
  bool covers(const ConvProblem& problem) const override { return is_matrix_product(problem); }
  bool computes_in(Arithmetic arithmetic) const override { return arithmetic == Arithmetic::f32; }
  Call prepare(Workbench& /*bench*/, Pass pass, const ConvTensors& tensors) const override {
    return [product = matrix_product(pass, tensors)] { multiply(product); };
  }
};

}  // namespace

std::unique_ptr<ConvYardstick> make_openblas(int threads) {
  openblas_set_num_threads(threads);
  return std::make_unique<OpenBlas>();
}

}  // namespace accrete::bench

#else

namespace accrete::bench {

std::unique_ptr<ConvYardstick> make_openblas(int /*threads*/) {
  return nullptr;
}

}  // namespace accrete::bench

#endif
