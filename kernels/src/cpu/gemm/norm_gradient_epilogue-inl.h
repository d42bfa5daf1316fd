// SPDX-License-Identifier: Apache-2.0
// What a reader of x through NormRelu does with the gradient of what it read: mask it, add it to
// the gradient of x and sum it up, all while the tile is in the L1 cache.
#if defined(ACCRETE_CPU_GEMM_NORM_GRADIENT_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_NORM_GRADIENT_EPILOGUE_INL_H_
#undef ACCRETE_CPU_GEMM_NORM_GRADIENT_EPILOGUE_INL_H_
#else
#define ACCRETE_CPU_GEMM_NORM_GRADIENT_EPILOGUE_INL_H_
#endif

#include <cstdint>

#include "cpu/channel_partials.h"
#include "cpu/gemm/epilogue-inl.h"
#include "cpu/gemm/tile-inl.h"
#include "cpu/norm_tables-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// With dz = result where x * scale + shift > 0, else 0: g (= or +=) factor * dz, and per block the
/// sums of dz and of dz * (x - mean). The factor is gamma, with constant statistics scale.
template <class T, GradMode kMode>
class MaskTile {
 public:
  MaskTile(const ConstTensorView& x, const NormRelu& norm, const NormReluTable& table,
           const NormReluGradient& out, const ChannelPartials& partials)
      : x_rows_(rows_of(x)),
        g_rows_(rows_of(out.g)),
        stream_(kMode == GradMode::overwrite && streams_past_caches(out.g)),
        x_(elements<T>(x)),
        x_pitch_(x.pitch),
        g_(elements<T>(out.g)),
        g_pitch_(out.g.pitch),
        mean_(norm.mean.f32()),
        factor_(out.deferred() ? norm.gamma.f32() : table.scale),
        table_(table),
        partials_(partials) {}

  HWY_INLINE void operator()(const TileResult& tile) const {
    if (tile.columns == kPanel) {
      if (stream_) {
        add_columns<kTileVectors>(tile, 0, StreamedVector());
      } else {
        add_columns<kTileVectors>(tile, 0, WholeVector());
      }
      return;
    }
    for (std::int64_t j = 0; j < tile.columns; j += kLanes) {
      if (const std::int64_t left = tile.columns - j; left < kLanes) {
        add_columns<1>(tile, j, PartVector{left});
      } else {
        add_columns<1>(tile, j, WholeVector());
      }
    }
  }
  HWY_INLINE void finish(std::int64_t /*block*/) const {
    if (stream_) {
      hwy::FlushStream();
    }
  }
  void add_touched(TouchedRows& touched) const {
    touched.add(x_rows_);
    if (!stream_) {
      touched.add(g_rows_);
    }
  }

 private:
  struct WholeVector {
    template <class Element>
    HWY_INLINE FloatVec load(const Element* from) const {
      return load_lanes(from);
    }
    HWY_INLINE void store(FloatVec v, T* to) const { store_lanes(v, to); }
  };
  struct StreamedVector : WholeVector {
    HWY_INLINE void store(FloatVec v, T* to) const { stream_lanes(v, to); }
  };
  struct PartVector {
    std::int64_t count;
    template <class Element>
    HWY_INLINE FloatVec load(const Element* from) const {
      return load_some(from, count);
    }
    HWY_INLINE void store(FloatVec v, T* to) const { store_some(v, to, count); }
  };

  /// What a vector of channels needs, and its sums.
  struct Channels {
    FloatVec scale, shift, mean, factor;
    FloatVec sum, product;
  };

  template <class Access>
  HWY_INLINE Channels channels_at(std::int64_t column, const Access& io) const {
    const FloatTag d;
    return {hn::LoadU(d, table_.scale + column),
            hn::LoadU(d, table_.shift + column),
            io.load(mean_ + column),
            io.load(factor_ + column),
            hn::Zero(d),
            hn::Zero(d)};
  }

  template <class Access>
  static HWY_INLINE void add_vector(const float* result, const T* x, T* g, Channels& channels,
                                    const Access& io) {
    const FloatTag d;
    const FloatVec value = io.load(x);
    const FloatVec dz =
        gate_positive(d, affine(value, channels.scale, channels.shift), hn::Load(d, result));
    channels.sum = hn::Add(channels.sum, dz);
    channels.product = hn::MulAdd(dz, hn::Sub(value, channels.mean), channels.product);
    if constexpr (kMode == GradMode::accumulate) {
      io.store(hn::MulAdd(dz, channels.factor, io.load(g)), g);
    } else {
      io.store(hn::Mul(dz, channels.factor), g);
    }
  }

  /// kVectors vectors from column j of the tile on.
  template <std::int64_t kVectors, class Access>
  HWY_INLINE void add_columns(const TileResult& tile, std::int64_t j, const Access& io) const {
    const std::int64_t column = tile.column + j;
    Channels first = channels_at(column, io);
    Channels second = kVectors > 1 ? channels_at(column + kLanes, io) : first;
    const std::int64_t x_pitch = x_pitch_;
    const std::int64_t g_pitch = g_pitch_;
    const T* x = x_ + tile.row * x_pitch + column;
    T* g = g_ + tile.row * g_pitch + column;
    const float* result = tile.values + j;
    const float* const end = result + tile.rows * tile.pitch;
    for (; result != end; result += tile.pitch, x += x_pitch, g += g_pitch) {
      add_vector(result, x, g, first, io);
      if constexpr (kVectors > 1) {
        add_vector(result + kLanes, x + kLanes, g + kLanes, second, io);
      }
    }
    put_sums(tile, column, first);
    if constexpr (kVectors > 1) {
      put_sums(tile, column + kLanes, second);
    }
  }

  HWY_INLINE void put_sums(const TileResult& tile, std::int64_t column,
                           const Channels& channels) const {
    add_to_block(tile, channels.sum, partials_.first(tile.block) + column);
    add_to_block(tile, channels.product, partials_.second(tile.block) + column);
  }

  static HWY_INLINE void add_to_block(const TileResult& tile, FloatVec value, float* total) {
    const FloatTag d;
    hn::Store(tile.block_row == 0 ? value : hn::Add(hn::Load(d, total), value), d, total);
  }

  Im2col x_rows_, g_rows_;
  bool stream_;
  const T* x_;
  std::int64_t x_pitch_;
  T* g_;
  std::int64_t g_pitch_;
  const float* mean_;
  const float* factor_;
  NormReluTable table_;
  ChannelPartials partials_;
};

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
