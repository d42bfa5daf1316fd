// SPDX-License-Identifier: Apache-2.0
// What happens to the finished tiles of the dot form.
//
// An epilogue is a copyable struct with
//   void operator()(const TileResult& tile) const;
//   void finish(std::int64_t block) const;  // after the last tile of a block
//   void add_touched(TouchedRows& touched) const;  // rows worth fetching before their tile
// Each element of the result is handed over exactly once. Calls for one `block` come from one
// thread, rows ascending within each column, in an order that depends on the problem alone: a
// per-channel sum kept per block and combined in block order is deterministic. Calls for different
// blocks run at the same time and cover different rows.
#if defined(ACCRETE_CPU_GEMM_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_EPILOGUE_INL_H_
#undef ACCRETE_CPU_GEMM_EPILOGUE_INL_H_
#else
#define ACCRETE_CPU_GEMM_EPILOGUE_INL_H_
#endif

#include <cstdint>

#include "accrete/kernels/tensor_view.h"
#include "conv/gemm/prefetch.h"
#include "cpu/channel_sums.h"
#include "cpu/simd-inl.h"
#include "hwy/cache_control.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

/// Rows [row, row + rows) and columns [column, column + columns) of the result. `values` is
/// 64-byte aligned, row-major at `pitch`; lanes behind the last column are readable garbage.
/// Epilogues may change the values.
struct TileResult {
  float* values;
  std::int64_t pitch;
  std::int64_t block;
  std::int64_t block_row;  ///< rows of the block above this tile
  std::int64_t row, rows;
  std::int64_t column, columns;
};

/// Results larger than this are gone from the caches before anyone reads them: storing them past
/// the caches saves reading what is about to be overwritten. (Half a cache line at a time, which a
/// vector of bfloat16 is, saves nothing.)
constexpr std::int64_t kStreamBytes = 12 << 20;

/// Whether whole vectors of `out` should be, and can be, stored that way.
inline bool streams_past_caches(const TensorView& out) {
  constexpr std::uintptr_t kVectorBytes = kLanes * sizeof(float);
  return out.dtype == DType::f32 &&
         out.shape.elements() * std::int64_t{sizeof(float)} > kStreamBytes &&
         reinterpret_cast<std::uintptr_t>(out.data) % kVectorBytes == 0 && out.pitch % kLanes == 0;
}

/// out (=) result + bias; null bias: none. Leaves in the tile what `out` then holds.
template <class T>
class PlainStore {
 public:
  PlainStore(const TensorView& out, const float* bias)
      : out_(elements<T>(out)), pitch_(out.pitch), bias_(bias), stream_(streams_past_caches(out)) {}

  HWY_INLINE void operator()(const TileResult& tile) const {
    for (std::int64_t j = 0; j < tile.columns; j += kLanes) {
      const std::int64_t count = tile.columns - j;
      if (count < kLanes) {
        store_column(tile, j, count, [count](FloatVec value, T* target) HWY_ATTR {
          store_some(value, target, count);
        });
      } else if (stream_) {
        store_column(tile, j, kLanes,
                     [](FloatVec value, T* target) HWY_ATTR { stream_lanes(value, target); });
      } else {
        store_column(tile, j, kLanes,
                     [](FloatVec value, T* target) HWY_ATTR { store_lanes(value, target); });
      }
    }
  }

  HWY_INLINE void finish(std::int64_t /*block*/) const {
    if (stream_) {
      hwy::FlushStream();
    }
  }
  void add_touched(TouchedRows& /*touched*/) const {}

 private:
  /// `count` columns, at most a vector of them, from column j of the tile on.
  template <class Store>
  HWY_INLINE void store_column(const TileResult& tile, std::int64_t j, std::int64_t count,
                               const Store& store) const {
    const FloatTag d;
    T* target = out_ + tile.row * pitch_ + tile.column + j;
    float* const values = tile.values + j;
    if (bias_ != nullptr) {
      add_bias(values, tile.pitch, tile.rows, load_channels(bias_ + tile.column + j, count));
    }
    for (std::int64_t i = 0; i < tile.rows; ++i, target += pitch_) {
      const FloatVec value = hn::Load(d, values + i * tile.pitch);
      store(value, target);
      if constexpr (sizeof(T) != sizeof(float)) {
        hn::Store(rounded<T>(d, value), d, values + i * tile.pitch);
      }
    }
  }
  static HWY_INLINE FloatVec load_channels(const float* from, std::int64_t count) {
    return count < kLanes ? load_some(from, count) : load_lanes(from);
  }
  static HWY_INLINE void add_bias(float* values, std::int64_t pitch, std::int64_t rows,
                                  FloatVec bias) {
    const FloatTag d;
    for (std::int64_t i = 0; i < rows; ++i, values += pitch) {
      hn::Store(hn::Add(hn::Load(d, values), bias), d, values);
    }
  }

  T* out_;
  std::int64_t pitch_;
  const float* bias_;
  bool stream_;
};

/// out += result.
template <class T>
class AccumulateStore {
 public:
  explicit AccumulateStore(const TensorView& out)
      : out_(elements<T>(out)), pitch_(out.pitch), rows_(rows_of(out)) {}

  HWY_INLINE void operator()(const TileResult& tile) const {
    const FloatTag d;
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      const float* values = tile.values + i * tile.pitch;
      T* target = out_ + (tile.row + i) * pitch_ + tile.column;
      std::int64_t j = 0;
      for (; j + kLanes <= tile.columns; j += kLanes) {
        store_lanes(hn::Add(load_lanes(target + j), hn::Load(d, values + j)), target + j);
      }
      if (const std::int64_t rest = tile.columns - j; rest > 0) {
        store_some(hn::Add(load_some(target + j, rest), hn::Load(d, values + j)), target + j, rest);
      }
    }
  }

  HWY_INLINE void finish(std::int64_t /*block*/) const {}
  void add_touched(TouchedRows& touched) const { touched.add(rows_); }

 private:
  T* out_;
  std::int64_t pitch_;
  Im2col rows_;
};

// Statistics of a result, taken from its tiles before they leave the caches.
//
// Each block keeps a mean and a sum of squared deviations per channel. A tile of m rows is measured
// from the mean c of the n rows above it: with s = sum(v - c) and t = sum((v - c)^2) over the tile,
// the block's new mean is c + s / (n + m), and its squares grow by t - s^2 / (n + m). Nothing large
// cancels: a tile far from the rows above it dominates both terms. The first tile is measured from
// its own mean. (Chan, Golub & LeVeque 1979, with the second group taken about the first's mean.)

/// out (=) result + bias, and the mean and squares of what was stored, per block.
template <class T>
class StatisticsStore {
 public:
  StatisticsStore(const TensorView& out, const float* bias, const ChannelPartials& partials)
      : store_(out, bias), partials_(partials) {}

  HWY_INLINE void operator()(const TileResult& tile) const {
    store_(tile);
    for (std::int64_t j = 0; j < tile.columns; j += kLanes) {
      add_column(tile, j);
    }
  }
  HWY_INLINE void finish(std::int64_t block) const { store_.finish(block); }
  void add_touched(TouchedRows& touched) const { store_.add_touched(touched); }

 private:
  HWY_INLINE void add_column(const TileResult& tile, std::int64_t j) const {
    const FloatTag d;
    float* const mean = partials_.first(tile.block) + tile.column + j;
    float* const squares = partials_.second(tile.block) + tile.column + j;
    const bool first = tile.block_row == 0;
    const FloatVec centre = first ? tile_mean(tile, j) : hn::Load(d, mean);
    FloatVec sum = hn::Zero(d);
    FloatVec square = hn::Zero(d);
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      const FloatVec deviation = hn::Sub(hn::Load(d, tile.values + i * tile.pitch + j), centre);
      sum = hn::Add(sum, deviation);
      square = hn::MulAdd(deviation, deviation, square);
    }
    const FloatVec step =
        hn::Mul(sum, hn::Set(d, 1.0F / static_cast<float>(tile.block_row + tile.rows)));
    const FloatVec growth = hn::NegMulAdd(sum, step, square);
    hn::Store(hn::Add(centre, step), d, mean);
    hn::Store(first ? growth : hn::Add(hn::Load(d, squares), growth), d, squares);
  }

  static HWY_INLINE FloatVec tile_mean(const TileResult& tile, std::int64_t j) {
    const FloatTag d;
    FloatVec sum = hn::Zero(d);
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      sum = hn::Add(sum, hn::Load(d, tile.values + i * tile.pitch + j));
    }
    return hn::Mul(sum, hn::Set(d, 1.0F / static_cast<float>(tile.rows)));
  }

  PlainStore<T> store_;
  ChannelPartials partials_;
};

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
