// SPDX-License-Identifier: Apache-2.0
// Dropout. The random words of a tile row are generated in one go, a vector of counters at a time.
#include "accrete/kernels/elementwise.h"

#include <cstring>

#include "cpu/row_tiles.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "elementwise/dropout.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

// Counters generated together.
constexpr std::int64_t kCounters = 16;
constexpr std::int64_t kWords = 4 * kCounters;

#if HWY_TARGET == HWY_SCALAR
// bits[4 * i .. 4 * i + 3] = the words of counter + i.
HWY_INLINE void generate_bits(const RandomKey& key, std::uint64_t counter, std::uint32_t* bits) {
  for (std::int64_t i = 0; i < kCounters; ++i) {
    const auto words = philox(key, counter + static_cast<std::uint64_t>(i));
    for (std::size_t word = 0; word < 4; ++word) {
      bits[4 * i + static_cast<std::int64_t>(word)] = words[word];
    }
  }
}
#else
// The product of the low halves of 64-bit lanes.
template <class D, class V>
HWY_INLINE V multiply_low(D d, V a, V b) {
  const hn::Repartition<std::uint32_t, D> half;
  return hn::BitCast(d, hn::MulEven(hn::BitCast(half, a), hn::BitCast(half, b)));
}

// philox() of random.h on a vector of counters, one word per 64-bit lane. The upper halves carry
// rubbish: the products ignore it.
template <class D>
HWY_INLINE void philox_vector(D d, const RandomKey& key, hn::Vec<D> counter, std::uint32_t* bits) {
  const auto multiplier0 = hn::Set(d, std::uint64_t{0xD2511F53U});
  const auto multiplier1 = hn::Set(d, std::uint64_t{0xCD9E8D57U});
  auto x0 = counter;
  auto x1 = hn::ShiftRight<32>(counter);
  auto x2 = hn::Set(d, key.stream);
  auto x3 = hn::Set(d, key.stream >> 32U);
  auto key0 = static_cast<std::uint32_t>(key.seed);
  auto key1 = static_cast<std::uint32_t>(key.seed >> 32U);
  for (int round = 0; round < 10; ++round) {
    const auto product0 = multiply_low(d, multiplier0, x0);
    const auto product1 = multiply_low(d, multiplier1, x2);
    x0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product1), x1), hn::Set(d, std::uint64_t{key0}));
    x1 = product1;
    x2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product0), x3), hn::Set(d, std::uint64_t{key1}));
    x3 = product0;
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  const auto low_half = hn::Set(d, std::uint64_t{0xFFFFFFFFU});
  const auto front = hn::Or(hn::And(x0, low_half), hn::ShiftLeft<32>(x1));
  const auto back = hn::Or(hn::And(x2, low_half), hn::ShiftLeft<32>(x3));
  alignas(64) std::uint64_t pairs[2][hn::MaxLanes(D())];
  hn::Store(front, d, pairs[0]);
  hn::Store(back, d, pairs[1]);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) {
    std::memcpy(bits + 4 * i, &pairs[0][i], sizeof(std::uint64_t));
    std::memcpy(bits + 4 * i + 2, &pairs[1][i], sizeof(std::uint64_t));
  }
}

// bits[4 * i .. 4 * i + 3] = the words of counter + i.
HWY_INLINE void generate_bits(const RandomKey& key, std::uint64_t counter, std::uint32_t* bits) {
  const hn::CappedTag<std::uint64_t, static_cast<std::size_t>(kCounters)> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t i = 0; i < kCounters; i += lanes) {
    philox_vector(d, key, hn::Iota(d, counter + static_cast<std::uint64_t>(i)), bits + 4 * i);
  }
}
#endif

// uniform[j] = the number of element 4 * counter + j.
HWY_INLINE void generate(const RandomKey& key, std::uint64_t counter, float* uniform) {
  alignas(64) std::uint32_t bits[kWords];
  generate_bits(key, counter, bits);
  for (std::int64_t i = 0; i < kWords; ++i) {
    uniform[i] = uniform_from_bits(bits[i]);
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

template <class T>
HWY_INLINE void drop(const float* uniform, std::int64_t count, float rate, float scale,
                     bool accumulate, const T* x, T* y) {
  for_each_vector(count, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    const auto keep = hn::Ge(io.load(uniform + c), hn::Set(io.d, rate));
    auto v = hn::IfThenElseZero(keep, hn::Mul(io.load(x + c), hn::Set(io.d, scale)));
    if (accumulate) {
      v = hn::Add(io.load(y + c), v);
    }
    io.store(v, y + c);
  });
}

template <class T>
void dropout_rows(const RowTile& tile, std::int64_t channels, float rate, const RandomKey& key,
                  const ConstRows<T>& x, const Rows<T>& y, GradMode mode) {
  const float scale = 1.0F / (1.0F - rate);
  UniformStream stream(key);
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    const T* from = x.at(row, tile.channel);
    T* to = y.at(row, tile.channel);
    const auto first = static_cast<std::uint64_t>(row * channels + tile.channel);
    for (std::int64_t c = 0; c < tile.channels;) {
      std::int64_t count = tile.channels - c;
      const float* uniform = stream.at(first + static_cast<std::uint64_t>(c), &count);
      drop(uniform, count, rate, scale, mode == GradMode::accumulate, from + c, to + c);
      c += count;
    }
  }
}

void dropout_tile(const RowTile& tile, std::int64_t channels, float rate, const RandomKey& key,
                  const ConstTensorView& x, const TensorView& y, GradMode mode) {
  with_element(x.dtype, [&]<class T>() {
    dropout_rows(tile, channels, rate, key, ConstRows<T>(x), Rows<T>(y), mode);
  });
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(dropout_tile);

const char* run(const Stream& stream, const Dropout& call, const Workspace& /*workspace*/) {
  const RowTiles tiles = element_tiles(call.x.shape, call.x.packed() && call.y.packed());
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(dropout_tile)
    (tiles.tile(task), tiles.channels, call.rate, call.key, call.x, call.y, call.mode);
  });
  return "rows";
}

}  // namespace accrete::kernels::cpu
#endif
