// SPDX-License-Identifier: Apache-2.0
// What packed operands are made of, and what the tiles do with it. An operand is an array of words
// of four bytes along the reduction: a float, or a pair of neighbouring bfloat16, the first in the
// lower half.
//
// An arithmetic is a struct with
//   Operand broadcast(const float* word);  // one word, in every lane
//   Operand load(const float* words);      // one word per lane
//   FloatVec multiply_add(Operand a, Operand b, FloatVec sum);
#if defined(ACCRETE_CPU_GEMM_WORDS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_WORDS_INL_H_
#undef ACCRETE_CPU_GEMM_WORDS_INL_H_
#else
#define ACCRETE_CPU_GEMM_WORDS_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

/// Elements in a word.
template <class T>
constexpr std::int64_t kWordElements = std::int64_t{sizeof(float) / sizeof(T)};

using WordTag = hn::Rebind<std::uint32_t, FloatTag>;
using WordVec = hn::Vec<WordTag>;

struct FloatWords {
  using Operand = FloatVec;

  static HWY_INLINE Operand broadcast(const float* word) { return hn::Set(FloatTag(), *word); }
  static HWY_INLINE Operand load(const float* words) { return hn::Load(FloatTag(), words); }
  static HWY_INLINE FloatVec multiply_add(Operand a, Operand b, FloatVec sum) {
    return hn::MulAdd(a, b, sum);
  }
};

/// Pairs taken apart, for machines without an instruction for them. Their tiles are short of
/// registers: what bfloat16 saves there is memory, not time.
struct SplitPairs {
  struct Operand {
    FloatVec first, second;
  };

  static HWY_INLINE Operand broadcast(const float* word) {
    std::uint32_t pair = 0;
    std::memcpy(&pair, word, sizeof(pair));
    return split(hn::Set(WordTag(), pair));
  }
  static HWY_INLINE Operand load(const float* words) {
#if HWY_TARGET == HWY_SCALAR
    return broadcast(words);
#else
    return split(hn::Load(WordTag(), reinterpret_cast<const std::uint32_t*>(words)));
#endif
  }
  static HWY_INLINE FloatVec multiply_add(const Operand& a, const Operand& b, FloatVec sum) {
    return hn::MulAdd(a.second, b.second, hn::MulAdd(a.first, b.first, sum));
  }

 private:
  static HWY_INLINE Operand split(WordVec pairs) {
    const FloatTag d;
    return {hn::BitCast(d, hn::ShiftLeft<16>(pairs)),
            hn::BitCast(d, hn::And(pairs, hn::Set(WordTag(), 0xFFFF0000U)))};
  }
};

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
/// Pairs through AVX-512 BF16, which the instruction sets that are compiled here do not include:
/// only for machines with kHasBf16Instructions. The instruction takes denormals as zero and
/// rounds each of its two sums to nearest.
struct NativePairs {
  using Operand = WordVec;

  static HWY_INLINE Operand broadcast(const float* word) {
    std::uint32_t pair = 0;
    std::memcpy(&pair, word, sizeof(pair));
    return hn::Set(WordTag(), pair);
  }
  static HWY_INLINE Operand load(const float* words) {
    return hn::Load(WordTag(), reinterpret_cast<const std::uint32_t*>(words));
  }
  static HWY_INLINE FloatVec multiply_add(Operand a, Operand b, FloatVec sum) {
    // Not an intrinsic: those can only be used where all code may use the extension.
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
    return sum;
  }
};
#endif

/// Calls body.template operator()<Arithmetic>() with the best arithmetic for words of T.
template <class T, class Body>
HWY_INLINE auto with_arithmetic(const Body& body) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return body.template operator()<FloatWords>();
  } else {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
    if (kHasBf16Instructions) {
      return body.template operator()<NativePairs>();
    }
#endif
    return body.template operator()<SplitPairs>();
  }
}

/// The first operand in the lower halves, the second in the upper ones.
HWY_INLINE WordVec pair_up(HalfVec first, HalfVec second) {
  const WordTag d;
  return hn::Or(hn::PromoteTo(d, first), hn::ShiftLeft<16>(hn::PromoteTo(d, second)));
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
/// By two instructions, where kHasBf16Instructions: all of the first operand behind all of the
/// second one, then lane by lane.
HWY_INLINE WordVec narrow_pairs_at_once(FloatVec first, FloatVec second) {
  alignas(64) static constexpr std::uint16_t kOrder[32] = {
      0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
      8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  const auto order = hn::Load(hn::ScalableTag<std::uint16_t>(), kOrder);
  WordVec words;
  __asm__("vcvtne2ps2bf16 %1, %2, %0" : "=v"(words.raw) : "v"(first.raw), "v"(second.raw));
  __asm__("vpermw %1, %2, %0" : "=v"(words.raw) : "v"(words.raw), "v"(order.raw));
  return words;
}
#endif

/// The same of floats, which are narrowed.
HWY_INLINE WordVec narrow_pairs(FloatVec first, FloatVec second) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  if (kHasBf16Instructions) {
    return narrow_pairs_at_once(first, second);
  }
#endif
  const FloatTag d;
  return pair_up(narrow(d, first), narrow(d, second));
}
HWY_INLINE void store_words(WordVec words, float* target) {
#if HWY_TARGET == HWY_SCALAR
  std::memcpy(target, &words.raw, sizeof(words.raw));
#else
  hn::StoreU(words, WordTag(), reinterpret_cast<std::uint32_t*>(target));
#endif
}

// 4x4 block transposition, for weights that must change from [K, RSC] to [RSC, K] and back.

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

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
