// SPDX-License-Identifier: Apache-2.0
// Sums over the rows of one vector of channels. They stay in registers, four at a time: that hides
// the latency of the additions and shortens the chain of roundings.
#if defined(ACCRETE_KERNELS_CPU_COLUMN_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_KERNELS_CPU_COLUMN_SUMS_INL_H_
#undef ACCRETE_KERNELS_CPU_COLUMN_SUMS_INL_H_
#else
#define ACCRETE_KERNELS_CPU_COLUMN_SUMS_INL_H_
#endif

#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

/// Sum of x over rows that are `pitch` apart.
template <class Access, class T>
HWY_INLINE auto sum_column(const Access& io, std::int64_t rows, const T* x, std::int64_t pitch) {
  auto sum0 = hn::Zero(io.d);
  auto sum1 = sum0;
  auto sum2 = sum0;
  auto sum3 = sum0;
  std::int64_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    const T* at = x + row * pitch;
    sum0 = hn::Add(sum0, io.load(at));
    sum1 = hn::Add(sum1, io.load(at + pitch));
    sum2 = hn::Add(sum2, io.load(at + 2 * pitch));
    sum3 = hn::Add(sum3, io.load(at + 3 * pitch));
  }
  for (; row < rows; ++row) {
    sum0 = hn::Add(sum0, io.load(x + row * pitch));
  }
  return hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
}

template <class V>
struct SumPair {
  V first;
  V second;
};

/// Two sums at once: add_row(row, pair) adds one row to a pair of partial sums.
template <class Access, class AddRow>
HWY_INLINE auto sum_column_pair(const Access& io, std::int64_t rows, const AddRow& add_row) {
  using Pair = SumPair<typename Access::V>;
  const auto zero = hn::Zero(io.d);
  Pair pair0{zero, zero};
  Pair pair1{zero, zero};
  Pair pair2{zero, zero};
  Pair pair3{zero, zero};
  std::int64_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    add_row(row, pair0);
    add_row(row + 1, pair1);
    add_row(row + 2, pair2);
    add_row(row + 3, pair3);
  }
  for (; row < rows; ++row) {
    add_row(row, pair0);
  }
  return Pair{hn::Add(hn::Add(pair0.first, pair1.first), hn::Add(pair2.first, pair3.first)),
              hn::Add(hn::Add(pair0.second, pair1.second), hn::Add(pair2.second, pair3.second))};
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
