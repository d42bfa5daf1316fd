// SPDX-License-Identifier: Apache-2.0
#include "rates.h"

#ifdef ACCRETE_HAS_CBLAS
#include <cblas.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace accrete::bench {

double sgemm_rate(int threads) {
  constexpr int kSize = 2048;
  constexpr int kTries = 8;
  openblas_set_num_threads(threads);
  const std::vector<float> a(std::size_t{kSize} * kSize, 0.5F);
  const std::vector<float> b(std::size_t{kSize} * kSize, 0.25F);
  std::vector<float> c(std::size_t{kSize} * kSize, 0.0F);
  double best = 0.0;
  for (int i = 0; i < kTries; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, kSize, kSize, kSize, 1.0F, a.data(),
                kSize, b.data(), kSize, 0.0F, c.data(), kSize);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    best = std::max(best, 2.0 * kSize * kSize * kSize / elapsed.count());
  }
  return best;
}

}  // namespace accrete::bench

#else

namespace accrete::bench {

double sgemm_rate(int /*threads*/) {
  return 0.0;
}

}  // namespace accrete::bench

#endif
