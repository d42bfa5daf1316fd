// SPDX-License-Identifier: Apache-2.0
// 4x4 block transposition, for weights that must change from [K, RSC] to [RSC, K] and back.
#if defined(ACCRETE_CPU_GEMM_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_TRANSPOSE_INL_H_
#undef ACCRETE_CPU_GEMM_TRANSPOSE_INL_H_
#else
#define ACCRETE_CPU_GEMM_TRANSPOSE_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "cpu/gemm/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Four bytes, whatever they are.
HWY_INLINE void move_word(const float* source, float* target) {
  std::memcpy(target, source, sizeof(*target));
}

/// target[j][i] = source[i][j] for i, j < 4.
HWY_INLINE void transpose_4x4(const float* source, std::int64_t source_pitch, float* target,
                              std::int64_t target_pitch) {
#if HWY_TARGET == HWY_SCALAR
  for (std::int64_t i = 0; i < 4; ++i) {
    for (std::int64_t j = 0; j < 4; ++j) {
      move_word(source + i * source_pitch + j, target + j * target_pitch + i);
    }
  }
#else
  const hn::Full128<float> d;
  const auto a = hn::LoadU(d, source);
  const auto b = hn::LoadU(d, source + source_pitch);
  const auto c = hn::LoadU(d, source + 2 * source_pitch);
  const auto e = hn::LoadU(d, source + 3 * source_pitch);
  const auto ac_lower = hn::InterleaveLower(d, a, c);
  const auto ac_upper = hn::InterleaveUpper(d, a, c);
  const auto be_lower = hn::InterleaveLower(d, b, e);
  const auto be_upper = hn::InterleaveUpper(d, b, e);
  hn::StoreU(hn::InterleaveLower(d, ac_lower, be_lower), d, target);
  hn::StoreU(hn::InterleaveUpper(d, ac_lower, be_lower), d, target + target_pitch);
  hn::StoreU(hn::InterleaveLower(d, ac_upper, be_upper), d, target + 2 * target_pitch);
  hn::StoreU(hn::InterleaveUpper(d, ac_upper, be_upper), d, target + 3 * target_pitch);
#endif
}

/// target[j][i] = source[i][j] for i < rows, j < columns.
HWY_INLINE void transpose(const float* source, std::int64_t source_pitch, std::int64_t rows,
                          std::int64_t columns, float* target, std::int64_t target_pitch) {
  const std::int64_t whole_rows = rows / 4 * 4;
  const std::int64_t whole_columns = columns / 4 * 4;
  for (std::int64_t j = 0; j < whole_columns; j += 4) {
    for (std::int64_t i = 0; i < whole_rows; i += 4) {
      transpose_4x4(source + i * source_pitch + j, source_pitch, target + j * target_pitch + i,
                    target_pitch);
    }
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = i < whole_rows ? whole_columns : 0; j < columns; ++j) {
      move_word(source + i * source_pitch + j, target + j * target_pitch + i);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
