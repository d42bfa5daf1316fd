// SPDX-License-Identifier: Apache-2.0
// Dropout. The random words of a tile row are generated in one go, a vector of counters at a time.
#include "cpu/dropout.h"

#include "cpu/row_tiles.h"
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/dropout.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/simd_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

// Counters generated together: enough independent chains for the compiler to fill its vectors.
constexpr std::int64_t kCounters = 16;
constexpr std::int64_t kWords = 4 * kCounters;

// One Philox round on every counter. x[i] is word i of all counters.
HWY_INLINE void philox_round(std::uint32_t (&x)[4][kCounters], std::uint32_t key0,
                             std::uint32_t key1) {
  for (std::int64_t i = 0; i < kCounters; ++i) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53U} * x[0][i];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57U} * x[2][i];
    x[0][i] = static_cast<std::uint32_t>(product1 >> 32U) ^ x[1][i] ^ key0;
    x[1][i] = static_cast<std::uint32_t>(product1);
    x[2][i] = static_cast<std::uint32_t>(product0 >> 32U) ^ x[3][i] ^ key1;
    x[3][i] = static_cast<std::uint32_t>(product0);
  }
}

// uniform[j] = the number of element 4 * counter + j; equal to philox() of random.h.
HWY_INLINE void generate(const RandomKey& key, std::uint64_t counter, float* uniform) {
  std::uint32_t x[4][kCounters];
  for (std::int64_t i = 0; i < kCounters; ++i) {
    const std::uint64_t mine = counter + static_cast<std::uint64_t>(i);
    x[0][i] = static_cast<std::uint32_t>(mine);
    x[1][i] = static_cast<std::uint32_t>(mine >> 32U);
    x[2][i] = static_cast<std::uint32_t>(key.stream);
    x[3][i] = static_cast<std::uint32_t>(key.stream >> 32U);
  }
  auto key0 = static_cast<std::uint32_t>(key.seed);
  auto key1 = static_cast<std::uint32_t>(key.seed >> 32U);
  for (int round = 0; round < 10; ++round) {
    philox_round(x, key0, key1);
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  for (std::int64_t i = 0; i < kCounters; ++i) {
    for (int word = 0; word < 4; ++word) {
      uniform[4 * i + word] = uniform_from_bits(x[word][i]);
    }
  }
}

// Uniform numbers by element index; indices come in ascending order.
class UniformStream {
 public:
  explicit UniformStream(const RandomKey& key) : key_(key) {}

  /// The numbers of elements [index, index + *count); lowers *count to what is at hand.
  HWY_INLINE const float* at(std::uint64_t index, std::int64_t* count) {
    if (!filled_ || index >= first_ + static_cast<std::uint64_t>(kWords)) {
      first_ = index - index % 4;
      generate(key_, first_ / 4, uniform_);
      filled_ = true;
    }
    const auto skip = static_cast<std::int64_t>(index - first_);
    *count = *count < kWords - skip ? *count : kWords - skip;
    return uniform_ + skip;
  }

 private:
  RandomKey key_;
  std::uint64_t first_ = 0;
  bool filled_ = false;
  alignas(64) float uniform_[kWords] = {};
};

HWY_INLINE void drop(const float* uniform, std::int64_t count, float rate, float scale,
                     bool accumulate, const float* x, float* y) {
  for_each_vector(count, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    const auto keep = hn::Ge(io.load(uniform + c), hn::Set(io.d, rate));
    auto v = hn::IfThenElseZero(keep, hn::Mul(io.load(x + c), hn::Set(io.d, scale)));
    if (accumulate) {
      v = hn::Add(io.load(y + c), v);
    }
    io.store(v, y + c);
  });
}

void dropout_tile(const RowTile& tile, std::int64_t channels, float rate, const RandomKey& key,
                  const ConstRows& x, const Rows& y, GradMode mode) {
  const float scale = 1.0F / (1.0F - rate);
  UniformStream stream(key);
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    const float* from = x.at(row, tile.channel);
    float* to = y.at(row, tile.channel);
    const auto first = static_cast<std::uint64_t>(row * channels + tile.channel);
    for (std::int64_t c = 0; c < tile.channels;) {
      std::int64_t count = tile.channels - c;
      const float* uniform = stream.at(first + static_cast<std::uint64_t>(c), &count);
      drop(uniform, count, rate, scale, mode == GradMode::accumulate, from + c, to + c);
      c += count;
    }
  }
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(dropout_tile);

void dropout(ThreadPool& pool, float rate, const RandomKey& key, const ConstTensorView& x,
             const TensorView& y, GradMode mode) {
  const RowTiles tiles = element_tiles(x.shape, x.packed() && y.packed());
  const ConstRows from(x);
  const Rows to(y);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(dropout_tile)
    (tiles.tile(task), tiles.channels, rate, key, from, to, mode);
  });
}

}  // namespace accrete::kernels::cpu
#endif
