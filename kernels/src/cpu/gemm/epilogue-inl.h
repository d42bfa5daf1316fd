// SPDX-License-Identifier: Apache-2.0
// What happens to the finished tiles of the dot form.
//
// An epilogue is a copyable struct with
//   void operator()(const TileResult& tile) const;
//   void finish(std::int64_t block) const;  // after the last tile of a block
//   void add_touched(TouchedRows& touched) const;  // rows that are worth fetching before their
//   tile
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
#include "cpu/gemm/prefetch.h"
#include "cpu/gemm/vector-inl.h"
#include "hwy/cache_control.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Rows [row, row + rows) and columns [column, column + columns) of the result. `values` is
/// 64-byte aligned, row-major at `pitch`; lanes behind the last column are readable garbage.
struct TileResult {
  const float* values;
  std::int64_t pitch;
  std::int64_t block;
  std::int64_t block_row;  ///< rows of the block above this tile
  std::int64_t row, rows;
  std::int64_t column, columns;
};

/// Results larger than this are gone from the caches before anyone reads them: storing them past
/// the caches saves reading what is about to be overwritten.
constexpr std::int64_t kStreamBytes = 12 << 20;

/// Whether whole vectors of `out` should be, and can be, stored that way.
inline bool streams_past_caches(const TensorView& out) {
  constexpr std::uintptr_t kVectorBytes = kLanes * sizeof(float);
  return out.shape.elements() * std::int64_t{sizeof(float)} > kStreamBytes &&
         reinterpret_cast<std::uintptr_t>(out.data) % kVectorBytes == 0 && out.pitch % kLanes == 0;
}

/// out (=) result + bias; null bias: none.
class StoreTile {
 public:
  StoreTile(const TensorView& out, const float* bias)
      : out_(out.f32()), pitch_(out.pitch), bias_(bias), stream_(streams_past_caches(out)) {}

  HWY_INLINE void operator()(const TileResult& tile) const {
    for (std::int64_t j = 0; j < tile.columns; j += kLanes) {
      const std::int64_t count = tile.columns - j;
      if (count < kLanes) {
        store_last_column(tile, j, count);
      } else if (stream_) {
        store_column(tile, j, [](FloatVec value, float* target) HWY_ATTR {
          hn::Stream(value, FloatTag(), target);
        });
      } else {
        store_column(tile, j, [](FloatVec value, float* target) HWY_ATTR {
          hn::StoreU(value, FloatTag(), target);
        });
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
  template <class Store>
  HWY_INLINE void store_column(const TileResult& tile, std::int64_t j, const Store& store) const {
    const FloatTag d;
    const FloatVec shift = bias_ == nullptr ? hn::Zero(d) : hn::LoadU(d, bias_ + tile.column + j);
    float* target = out_ + tile.row * pitch_ + tile.column + j;
    for (std::int64_t i = 0; i < tile.rows; ++i, target += pitch_) {
      store(hn::Add(hn::Load(d, tile.values + i * tile.pitch + j), shift), target);
    }
  }
  HWY_INLINE void store_last_column(const TileResult& tile, std::int64_t j,
                                    std::int64_t count) const {
    const FloatTag d;
    const FloatVec shift =
        bias_ == nullptr ? hn::Zero(d) : load_some(bias_ + tile.column + j, count);
    float* target = out_ + tile.row * pitch_ + tile.column + j;
    for (std::int64_t i = 0; i < tile.rows; ++i, target += pitch_) {
      store_some(hn::Add(hn::Load(d, tile.values + i * tile.pitch + j), shift), target, count);
    }
  }

  float* out_;
  std::int64_t pitch_;
  const float* bias_;
  bool stream_;
};

/// out += result.
class AccumulateTile {
 public:
  explicit AccumulateTile(const TensorView& out)
      : out_(out.f32()), pitch_(out.pitch), rows_(rows_of(out)) {}

  HWY_INLINE void operator()(const TileResult& tile) const {
    const FloatTag d;
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      const float* values = tile.values + i * tile.pitch;
      float* target = out_ + (tile.row + i) * pitch_ + tile.column;
      std::int64_t j = 0;
      for (; j + kLanes <= tile.columns; j += kLanes) {
        hn::StoreU(hn::Add(hn::LoadU(d, target + j), hn::Load(d, values + j)), d, target + j);
      }
      if (const std::int64_t rest = tile.columns - j; rest > 0) {
        store_some(hn::Add(load_some(target + j, rest), hn::Load(d, values + j)), target + j, rest);
      }
    }
  }

  HWY_INLINE void finish(std::int64_t /*block*/) const {}
  void add_touched(TouchedRows& touched) const { touched.add(rows_); }

 private:
  float* out_;
  std::int64_t pitch_;
  Im2col rows_;
};

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
