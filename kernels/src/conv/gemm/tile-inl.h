// SPDX-License-Identifier: Apache-2.0
// The innermost loops: one tile of the result, accumulated in registers over the whole reduction.
//
// Each tile is a small function of its own, never inlined, whose accumulators are only touched by
// constant indices: anything else makes compilers spill them and halves the speed.
#if defined(ACCRETE_CPU_GEMM_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_TILE_INL_H_
#undef ACCRETE_CPU_GEMM_TILE_INL_H_
#else
#define ACCRETE_CPU_GEMM_TILE_INL_H_
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "conv/gemm/blocking.h"
#include "conv/gemm/prefetch.h"
#include "conv/gemm/words-inl.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Tallest tile: 14 rows of two vectors fill 32 registers, 6 rows fill 16.
constexpr std::int64_t kTileRows = (HWY_ARCH_X86 && HWY_TARGET >= HWY_AVX2) ? 6 : kRowUnit;
/// Widest tile in vectors: the width of a panel of the right operand.
constexpr std::int64_t kTileVectors = 2;
constexpr std::int64_t kPanel = kTileVectors * kLanes;

/// Vectors in the panel that starts with `columns` columns to go.
constexpr std::int64_t panel_vectors(std::int64_t columns) {
  return columns > kLanes ? kTileVectors : 1;
}

/// Accumulators of a tile: kRows rows of kVectors vectors.
template <class Arithmetic, std::size_t kRows, std::size_t kVectors>
struct Tile {
  using Operand = typename Arithmetic::Operand;
  FloatVec sum[kRows * kVectors];

  template <std::size_t... I>
  HWY_INLINE void clear(std::index_sequence<I...>) {
    ((sum[I] = hn::Zero(FloatTag())), ...);
  }
  template <std::size_t... I>
  HWY_INLINE void load(const float* from, std::index_sequence<I...>) {
    ((sum[I] = hn::Load(FloatTag(), from + I * kLanes)), ...);
  }
  template <std::size_t... I>
  HWY_INLINE void store(float* to, std::index_sequence<I...>) const {
    (hn::Store(sum[I], FloatTag(), to + I * kLanes), ...);
  }
  /// sum[row] += a[row * kStep] * b[0..kVectors)
  template <std::size_t kStep, std::size_t... I>
  HWY_INLINE void add_outer(const float* a, const float* b, std::index_sequence<I...>) {
    const Operand b0 = Arithmetic::load(b);
    if constexpr (kVectors == 1) {
      ((sum[I] = Arithmetic::multiply_add(Arithmetic::broadcast(a + I * kStep), b0, sum[I])), ...);
    } else {
      const Operand b1 = Arithmetic::load(b + kLanes);
      (add_row<I>(Arithmetic::broadcast(a + I * kStep), b0, b1), ...);
    }
  }

 private:
  template <std::size_t kRow>
  HWY_INLINE void add_row(const Operand& a, const Operand& b0, const Operand& b1) {
    sum[2 * kRow] = Arithmetic::multiply_add(a, b0, sum[2 * kRow]);
    sum[2 * kRow + 1] = Arithmetic::multiply_add(a, b1, sum[2 * kRow + 1]);
  }
};

HWY_INLINE void prefetch_line(const PrefetchQueue::Line*& line,
                              const PrefetchQueue::Line* last_line) {
  __builtin_prefetch(*line, 0, 2);
  line += line != last_line ? 1 : 0;
}

/// out[kRows][kVectors vectors] = A * B. A: chunks of kTileRows rows at kChunkPitch; B: one panel,
/// `words` rows of kVectors vectors.
template <class Arithmetic, std::size_t kRows, std::size_t kVectors>
HWY_NOINLINE void dot_tile(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b,
                           std::int64_t words, float* HWY_RESTRICT out, PrefetchQueue& queue) {
  constexpr auto kAll = std::make_index_sequence<kRows * kVectors>();
  constexpr auto kEachRow = std::make_index_sequence<kRows>();
  const PrefetchQueue::Line* line = queue.next();
  const PrefetchQueue::Line* const last_line = queue.last();
  Tile<Arithmetic, kRows, kVectors> tile;
  tile.clear(kAll);
  for (; words > 0; words -= kChunk) {
    const std::int64_t count = words < kChunk ? words : kChunk;
    const float* const end = a + count;
    for (const float* column = a; column != end; ++column) {
      prefetch_line(line, last_line);
      tile.template add_outer<kChunkPitch>(column, b, kEachRow);
      b += kVectors * kLanes;
    }
    a += kTileRows * kChunkPitch;
  }
  tile.store(out, kAll);
  queue.consumed_up_to(line);
}

/// sums[kRows][kVectors vectors] (= or +=) A^T * G over `rows` rows of words: A at `a_pitch`, of
/// which kRows columns count; G one panel of kVectors vectors per row.
template <class Arithmetic, std::size_t kRows, std::size_t kVectors>
HWY_NOINLINE void outer_tile(const float* HWY_RESTRICT a, std::int64_t a_pitch,
                             const float* HWY_RESTRICT g, std::int64_t rows, bool accumulate,
                             float* HWY_RESTRICT sums, PrefetchQueue& queue) {
  constexpr auto kAll = std::make_index_sequence<kRows * kVectors>();
  constexpr auto kEachRow = std::make_index_sequence<kRows>();
  const PrefetchQueue::Line* line = queue.next();
  const PrefetchQueue::Line* const last_line = queue.last();
  Tile<Arithmetic, kRows, kVectors> tile;
  if (accumulate) {
    tile.load(sums, kAll);
  } else {
    tile.clear(kAll);
  }
  const float* const end = g + rows * static_cast<std::int64_t>(kVectors) * kLanes;
  for (; g != end; g += kVectors * kLanes) {
    prefetch_line(line, last_line);
    tile.template add_outer<1>(a, g, kEachRow);
    a += a_pitch;
  }
  tile.store(sums, kAll);
  queue.consumed_up_to(line);
}

using DotTile = void (*)(const float*, const float*, std::int64_t, float*, PrefetchQueue&);
using OuterTile = void (*)(const float*, std::int64_t, const float*, std::int64_t, bool, float*,
                           PrefetchQueue&);

/// Tiles come in even heights; entry h/2 - 1 has height h.
constexpr std::size_t kTileHeights = static_cast<std::size_t>(kTileRows / 2);

template <class Arithmetic, std::size_t kVectors, std::size_t... I>
constexpr std::array<DotTile, kTileHeights> dot_tiles(std::index_sequence<I...>) {
  return {&dot_tile<Arithmetic, 2 * I + 2, kVectors>...};
}
template <class Arithmetic, std::size_t kVectors, std::size_t... I>
constexpr std::array<OuterTile, kTileHeights> outer_tiles(std::index_sequence<I...>) {
  return {&outer_tile<Arithmetic, 2 * I + 2, kVectors>...};
}

/// The lowest tile for words of T with at least `rows` <= kTileRows rows.
template <class T>
DotTile find_dot_tile(std::int64_t rows, std::int64_t vectors) {
  return with_arithmetic<T>([&]<class Arithmetic>() {
    static constexpr auto kHeights = std::make_index_sequence<kTileHeights>();
    static constexpr auto kNarrow = dot_tiles<Arithmetic, 1>(kHeights);
    static constexpr auto kWide = dot_tiles<Arithmetic, 2>(kHeights);
    const auto index = static_cast<std::size_t>((rows - 1) / 2);
    return vectors == 1 ? kNarrow[index] : kWide[index];
  });
}
template <class T>
OuterTile find_outer_tile(std::int64_t rows, std::int64_t vectors) {
  return with_arithmetic<T>([&]<class Arithmetic>() {
    static constexpr auto kHeights = std::make_index_sequence<kTileHeights>();
    static constexpr auto kNarrow = outer_tiles<Arithmetic, 1>(kHeights);
    static constexpr auto kWide = outer_tiles<Arithmetic, 2>(kHeights);
    const auto index = static_cast<std::size_t>((rows - 1) / 2);
    return vectors == 1 ? kNarrow[index] : kWide[index];
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
