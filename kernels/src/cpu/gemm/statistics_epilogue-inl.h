// SPDX-License-Identifier: Apache-2.0
// Statistics of a result, taken from its tiles before they leave the caches.
//
// Each block keeps a mean and a sum of squared deviations per channel. A tile of m rows is measured
// from the mean c of the n rows above it: with s = sum(v - c) and t = sum((v - c)^2) over the tile,
// the block's new mean is c + s / (n + m), and its squares grow by t - s^2 / (n + m). Nothing large
// cancels: a tile far from the rows above it dominates both terms. The first tile is measured from
// its own mean. (Chan, Golub & LeVeque 1979, with the second group taken about the first's mean.)
#if defined(ACCRETE_CPU_GEMM_STATISTICS_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_STATISTICS_EPILOGUE_INL_H_
#undef ACCRETE_CPU_GEMM_STATISTICS_EPILOGUE_INL_H_
#else
#define ACCRETE_CPU_GEMM_STATISTICS_EPILOGUE_INL_H_
#endif

#include <cstdint>

#include "cpu/channel_partials.h"
#include "cpu/gemm/epilogue-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// out (=) result + bias, and the mean and squares of what was stored, per block.
template <class T>
class StoreTileWithStatistics {
 public:
  StoreTileWithStatistics(const TensorView& out, const float* bias, const ChannelPartials& partials)
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

  StoreTile<T> store_;
  ChannelPartials partials_;
};

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
