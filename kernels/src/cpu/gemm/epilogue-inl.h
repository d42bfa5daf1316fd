// SPDX-License-Identifier: Apache-2.0
// What happens to the finished tiles of the dot form.
//
// An epilogue is a copyable struct with
//   void operator()(const TileResult& tile) const;
// Each element of the result is handed over exactly once. Calls for one `block` come from one
// thread, panel by panel with rows ascending within a panel, and depend on the problem alone: a
// per-channel sum kept per block and combined in block order is deterministic. Calls for different
// blocks run at the same time and cover different rows.
#if defined(ACCRETE_CPU_GEMM_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_EPILOGUE_INL_H_
#undef ACCRETE_CPU_GEMM_EPILOGUE_INL_H_
#else
#define ACCRETE_CPU_GEMM_EPILOGUE_INL_H_
#endif

#include <cstdint>

#include "cpu/gemm/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Rows [row, row + rows) and columns [column, column + columns) of the result. `values` is
/// 64-byte aligned, row-major at `pitch`; lanes behind the last column are readable garbage.
struct TileResult {
  const float* values;
  std::int64_t pitch;
  std::int64_t block;
  std::int64_t row, rows;
  std::int64_t column, columns;
};

/// out (=) result + bias; null bias: none.
struct StoreTile {
  float* out;
  std::int64_t out_pitch;
  const float* bias;

  HWY_INLINE void operator()(const TileResult& tile) const {
    for (std::int64_t j = 0; j < tile.columns; j += kLanes) {
      const std::int64_t count = tile.columns - j;
      float* target = out + tile.row * out_pitch + tile.column + j;
      if (count >= kLanes) {
        store_column(tile, j, target);
      } else {
        store_last_column(tile, j, count, target);
      }
    }
  }

 private:
  HWY_INLINE void store_column(const TileResult& tile, std::int64_t j, float* target) const {
    const FloatTag d;
    const FloatVec shift = bias == nullptr ? hn::Zero(d) : hn::LoadU(d, bias + tile.column + j);
    for (std::int64_t i = 0; i < tile.rows; ++i, target += out_pitch) {
      hn::StoreU(hn::Add(hn::Load(d, tile.values + i * tile.pitch + j), shift), d, target);
    }
  }
  HWY_INLINE void store_last_column(const TileResult& tile, std::int64_t j, std::int64_t count,
                                    float* target) const {
    const FloatTag d;
    const FloatVec shift = bias == nullptr ? hn::Zero(d) : load_some(bias + tile.column + j, count);
    for (std::int64_t i = 0; i < tile.rows; ++i, target += out_pitch) {
      store_some(hn::Add(hn::Load(d, tile.values + i * tile.pitch + j), shift), target, count);
    }
  }
};

/// out += result.
struct AccumulateTile {
  float* out;
  std::int64_t out_pitch;

  HWY_INLINE void operator()(const TileResult& tile) const {
    const FloatTag d;
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      const float* values = tile.values + i * tile.pitch;
      float* target = out + (tile.row + i) * out_pitch + tile.column;
      std::int64_t j = 0;
      for (; j + kLanes <= tile.columns; j += kLanes) {
        hn::StoreU(hn::Add(hn::LoadU(d, target + j), hn::Load(d, values + j)), d, target + j);
      }
      if (const std::int64_t rest = tile.columns - j; rest > 0) {
        store_some(hn::Add(load_some(target + j, rest), hn::Load(d, values + j)), target + j, rest);
      }
    }
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
