// SPDX-License-Identifier: Apache-2.0
// What becomes of the tiles of a gradient of data.
#if defined(ACCRETE_CPU_GEMM_GRADIENT_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_GRADIENT_EPILOGUE_INL_H_
#undef ACCRETE_CPU_GEMM_GRADIENT_EPILOGUE_INL_H_
#else
#define ACCRETE_CPU_GEMM_GRADIENT_EPILOGUE_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "conv/gemm/epilogue-inl.h"
#include "conv/gemm/im2col.h"
#include "conv/gemm/tile-inl.h"
#include "cpu/channel_sums.h"
#include "cpu/norm_tables-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

// What a reader of x through NormRelu does with the gradient of what it read: mask it, add it to
// the gradient of x and sum it up, all while the tile is in the L1 cache.

/// With dz = result where x * scale + shift > 0, else 0: g (= or +=) factor * dz, and per block the
/// sums of dz and of dz * (x - mean). The factor is gamma, with constant statistics scale.
template <class T, GradMode kMode>
class NormGradientStore {
 public:
  NormGradientStore(const ConstTensorView& x, const NormRelu& norm, const NormReluTable& table,
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

// The epilogue of a convolution whose rows are a phase of the pixels of its result: pixels of one
// line are a step apart, and so are the lines.

/// Hands every line of a tile to an epilogue of its own, make(x, g) for the pixels of that line.
template <class Make>
class PhaseEpilogue {
 public:
  /// Blocks are numbered from `first_block` on. `x` may be empty; else it has the shape of `g`.
  PhaseEpilogue(const StridePhase& phase, const ConstTensorView& x, const TensorView& g,
                std::int64_t first_block, const Make& make)
      : phase_(phase), x_(x), g_(g), first_block_(first_block), make_(make) {}

  void operator()(const TileResult& tile) const {
    for (std::int64_t done = 0; done < tile.rows;) {
      const std::int64_t row = tile.row + done;
      TileResult line = tile;
      line.values += done * tile.pitch;
      line.block += first_block_;
      line.block_row += done;
      line.row = 0;
      line.rows = std::min(tile.rows - done, phase_.w.count - row % phase_.w.count);
      epilogue_from(pixel_of(row))(line);
      done += line.rows;
    }
  }
  void finish(std::int64_t block) const { epilogue_from(0).finish(block); }
  void add_touched(TouchedRows& /*touched*/) const {}

 private:
  std::int64_t pixel_of(std::int64_t row) const {
    const std::int64_t line = row / phase_.w.count;
    const std::int64_t image = line / phase_.h.count;
    const std::int64_t h = phase_.h.position(line % phase_.h.count);
    const std::int64_t w = phase_.w.position(row % phase_.w.count);
    return (image * g_.shape.h + h) * g_.shape.w + w;
  }

  auto epilogue_from(std::int64_t pixel) const {
    ConstTensorView x = x_;
    TensorView g = g_;
    const std::int64_t bytes = pixel * static_cast<std::int64_t>(dtype_bytes(g.dtype));
    if (x.data != nullptr) {
      x.data = static_cast<const char*>(x.data) + bytes * x.pitch;
    }
    g.data = static_cast<char*>(g.data) + bytes * g.pitch;
    x.pitch *= phase_.w.step;
    g.pitch *= phase_.w.step;
    return make_(x, g);
  }

  StridePhase phase_;
  ConstTensorView x_;
  TensorView g_;
  std::int64_t first_block_;
  const Make& make_;
};

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
