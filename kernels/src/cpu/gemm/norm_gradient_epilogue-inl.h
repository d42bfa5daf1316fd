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
#include "cpu/norm_tables-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// With dz = result where x * scale + shift > 0, else 0: g (= or +=) gamma * dz, and per block the
/// sums of dz and of dz * (x - mean).
template <GradMode kMode>
class MaskTile {
 public:
  MaskTile(const ConstTensorView& x, const NormRelu& norm, const NormReluTable& table,
           const TensorView& g, const ChannelPartials& partials)
      : x_rows_(rows_of(x)),
        g_rows_(rows_of(g)),
        stream_(kMode == GradMode::overwrite && streams_past_caches(g)),
        x_(x.f32()),
        x_pitch_(x.pitch),
        g_(g.f32()),
        g_pitch_(g.pitch),
        mean_(norm.mean.f32()),
        gamma_(norm.gamma.f32()),
        table_(table),
        partials_(partials) {}

  HWY_INLINE void operator()(const TileResult& tile) const {
    for (std::int64_t j = 0; j < tile.columns; j += kLanes) {
      const std::int64_t left = tile.columns - j;
      if (left < kLanes) {
        add_column(tile, j, PartVector{left});
      } else if (stream_) {
        add_column(tile, j, StreamedVector());
      } else {
        add_column(tile, j, WholeVector());
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
    HWY_INLINE FloatVec load(const float* from) const { return hn::LoadU(FloatTag(), from); }
    HWY_INLINE void store(FloatVec v, float* to) const { hn::StoreU(v, FloatTag(), to); }
  };
  struct StreamedVector : WholeVector {
    HWY_INLINE void store(FloatVec v, float* to) const { hn::Stream(v, FloatTag(), to); }
  };
  struct PartVector {
    std::int64_t count;
    HWY_INLINE FloatVec load(const float* from) const { return load_some(from, count); }
    HWY_INLINE void store(FloatVec v, float* to) const { store_some(v, to, count); }
  };

  template <class Access>
  HWY_INLINE void add_column(const TileResult& tile, std::int64_t j, const Access& io) const {
    const FloatTag d;
    const std::int64_t column = tile.column + j;
    const FloatVec scale = hn::LoadU(d, table_.scale + column);
    const FloatVec shift = hn::LoadU(d, table_.shift + column);
    const FloatVec mean = io.load(mean_ + column);
    const FloatVec gamma = io.load(gamma_ + column);
    FloatVec sum = hn::Zero(d);
    FloatVec product = hn::Zero(d);
    const float* x = x_ + tile.row * x_pitch_ + column;
    float* g = g_ + tile.row * g_pitch_ + column;
    for (std::int64_t i = 0; i < tile.rows; ++i, x += x_pitch_, g += g_pitch_) {
      const FloatVec value = io.load(x);
      const FloatVec dz = gate_positive(d, affine(value, scale, shift),
                                        hn::Load(d, tile.values + i * tile.pitch + j));
      sum = hn::Add(sum, dz);
      product = hn::MulAdd(dz, hn::Sub(value, mean), product);
      if constexpr (kMode == GradMode::accumulate) {
        io.store(hn::MulAdd(dz, gamma, io.load(g)), g);
      } else {
        io.store(hn::Mul(dz, gamma), g);
      }
    }
    add_to_block(tile, sum, partials_.first(tile.block) + column);
    add_to_block(tile, product, partials_.second(tile.block) + column);
  }

  static HWY_INLINE void add_to_block(const TileResult& tile, FloatVec value, float* total) {
    const FloatTag d;
    hn::Store(tile.block_row == 0 ? value : hn::Add(hn::Load(d, total), value), d, total);
  }

  Im2col x_rows_, g_rows_;
  bool stream_;
  const float* x_;
  std::int64_t x_pitch_;
  float* g_;
  std::int64_t g_pitch_;
  const float* mean_;
  const float* gamma_;
  NormReluTable table_;
  ChannelPartials partials_;
};

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
