// SPDX-License-Identifier: Apache-2.0
#include "cuda/ptx_expectations.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <limits>

#include "support/guarded_tensor.h"
#include "support/random_fill.h"

namespace accrete::test {
namespace {

using Lane = std::size_t;

std::uint32_t bits_of(float value) {
  return std::bit_cast<std::uint32_t>(value);
}
float float_of(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}

Words bits_of(const std::vector<float>& values) {
  Words words;
  for (const float value : values) {
    words.push_back(bits_of(value));
  }
  return words;
}

Words random_words(std::size_t count, std::uint64_t seed) {
  Words words;
  for (std::size_t i = 0; i < count; ++i) {
    words.push_back(philox({seed, 0x9707}, i)[0]);
  }
  return words;
}

// "words" per lane, computed lane by lane.
Words per_lane(std::size_t words, const std::function<std::uint32_t(Lane, std::size_t)>& value) {
  Words result;
  for (Lane lane = 0; lane < 32; ++lane) {
    for (std::size_t i = 0; i < words; ++i) {
      result.push_back(value(lane, i));
    }
  }
  return result;
}

// ---- ldmatrix: thread T receives, of every matrix, elements 2 (T mod 4) and the next of row T /
// 4; with .trans the matrix is read column by column.

std::uint32_t element16(const Words& rows, std::size_t row, std::size_t column) {
  return rows[row * 4 + column / 2] >> (column % 2 * 16) & 0xFFFFU;
}

ProbeCase ldmatrix(std::size_t matrices, bool transposed) {
  const Words in = random_words(matrices * 32, 11 + matrices);
  const std::size_t rows = matrices * 8;
  const auto element = [&](std::size_t matrix, std::size_t i, std::size_t j) {
    const std::size_t row = transposed ? j : i;
    const std::size_t column = transposed ? i : j;
    return element16(in, (matrix * 8 + row) * 5 % rows, column);
  };
  const std::string name = matrices == 4 ? "ldmatrix_x4" : "ldmatrix_x2";
  return {transposed ? name + "_trans" : name, Match::bits, in,
          per_lane(matrices, [&](Lane lane, std::size_t matrix) {
            const std::size_t j = lane % 4 * 2;
            return element(matrix, lane / 4, j) | element(matrix, lane / 4, j + 1) << 16U;
          })};
}

// ---- mma: where the elements of A [16][K], B [K][8] and C, D [16][8] are among the lanes.

constexpr std::size_t kWordsPerLane = 10;  // a0-a3, b0-b1, c0-c3
constexpr std::size_t kB = 4;
constexpr std::size_t kC = 6;

struct Place {
  Lane lane;
  std::size_t word;
  bool high = false;  // the upper half of the word
};

Place place_a(std::size_t row, std::size_t k, bool bf16) {
  const std::size_t group = row % 8;
  const std::size_t lower = row / 8;
  return bf16 ? Place{group * 4 + k % 8 / 2, lower + k / 8 * 2, k % 2 == 1}
              : Place{group * 4 + k % 4, lower + k / 4 * 2};
}

Place place_b(std::size_t k, std::size_t column, bool bf16) {
  return bf16 ? Place{column * 4 + k % 8 / 2, kB + k / 8, k % 2 == 1}
              : Place{column * 4 + k % 4, kB + k / 4};
}

std::size_t place_d(std::size_t row, std::size_t column) {
  return (row % 8 * 4 + column / 2) * 4 + row / 8 * 2 + column % 2;
}

void put(Words& words, const Place& place, float value, bool bf16) {
  std::uint32_t& word = words[place.lane * kWordsPerLane + place.word];
  const std::uint32_t bits = bits_of(value);
  if (!bf16) {
    word = bits;
  } else if (place.high) {
    word = (word & 0xFFFFU) | (bits & 0xFFFF0000U);
  } else {
    word = (word & 0xFFFF0000U) | bits >> 16U;
  }
}

// Values have at most 8 significant bits, so that either type holds them.
ProbeCase mma(bool bf16, const std::function<float(std::size_t)>& value, Match match) {
  const std::size_t depth = bf16 ? 16 : 8;
  ProbeCase probe{bf16 ? "mma_bf16" : "mma_tf32", match, Words(32 * kWordsPerLane), Words(128)};
  std::size_t number = 0;
  std::vector<std::vector<double>> b(depth, std::vector<double>(8));
  for (std::size_t k = 0; k < depth; ++k) {
    for (std::size_t column = 0; column < 8; ++column) {
      const float element = value(number++);
      b[k][column] = static_cast<double>(element);
      put(probe.in, place_b(k, column, bf16), element, bf16);
    }
  }
  for (std::size_t row = 0; row < 16; ++row) {
    std::vector<double> sums(8);
    for (std::size_t column = 0; column < 8; ++column) {
      const float element = value(number++);
      const std::size_t at = place_d(row, column);
      probe.in[at / 4 * kWordsPerLane + kC + at % 4] = bits_of(element);
      sums[column] = static_cast<double>(element);
    }
    for (std::size_t k = 0; k < depth; ++k) {
      const float element = value(number++);
      put(probe.in, place_a(row, k, bf16), element, bf16);
      for (std::size_t column = 0; column < 8; ++column) {
        sums[column] += static_cast<double>(element) * b[k][column];
      }
    }
    for (std::size_t column = 0; column < 8; ++column) {
      probe.expected[place_d(row, column)] = bits_of(static_cast<float>(sums[column]));
    }
  }
  return probe;
}

void append_mma(std::vector<ProbeCase>& cases, bool bf16) {
  const auto whole = integers(1024, 21, 100);
  const auto fractions = uniform(1024, 22);
  cases.push_back(mma(
      bf16, [&](std::size_t i) { return whole.at(i); }, Match::bits));
  cases.push_back(mma(
      bf16, [&](std::size_t i) { return bf16_rounded(fractions.at(i)); }, Match::close));
}

// The low 13 bits of a tf32 operand do not count.
ProbeCase mma_tf32_with_low_bits() {
  const auto whole = integers(1024, 23, 100);
  ProbeCase probe = mma(
      false, [&](std::size_t i) { return whole.at(i); }, Match::bits);
  for (Lane lane = 0; lane < 32; ++lane) {
    for (std::size_t word = 0; word < kC; ++word) {
      probe.in[lane * kWordsPerLane + word] |= 0x1FFFU;
    }
  }
  return probe;
}

// ---- cp.async

ProbeCase cp_async(const std::string& name, std::size_t words) {
  const Words in = random_words(32 * words, 31);
  return {name, Match::bits, in, per_lane(words, [&](Lane lane, std::size_t i) {
            const Lane copied = (lane + 1) % 32;
            return copied % 3 == 0 ? 0U : in[copied * words + i];
          })};
}

// ---- conversions: ties, their neighbours, carries into the exponent, infinities, NaN, subnormals

Words floats_around(std::uint32_t half) {
  const std::uint32_t one = bits_of(1.0F);
  const std::uint32_t all = 2 * half - 1;  // every bit that rounding drops
  Words words;
  for (const std::uint32_t start : {one, one + 2 * half, one | (0x007FFFFFU & ~all)}) {
    for (const std::uint32_t dropped : {0U, half - 1, half, half + 1, all}) {
      words.push_back(start | dropped);
      words.push_back(0x80000000U | start | dropped);
    }
  }
  words.push_back(bits_of(std::numeric_limits<float>::infinity()));
  words.push_back(bits_of(std::numeric_limits<float>::quiet_NaN()));
  return words;
}

Words special_floats() {
  Words words = {0x00000000U, 0x80000000U, 0x7F7FFFFFU, 0xFF7FFFFFU, 0x7F800000U, 0xFF800000U,
                 0x7F800001U, 0xFFC12345U, 0x00800000U, 0x007FFFFFU, 0x00000001U, 0x80012345U};
  for (const std::uint32_t word : random_words(20, 41)) {
    words.push_back(word);
  }
  return words;
}

// To a multiple of 2^-drop of its last place, in double: magnitudes, to nearest, ties by `away`.
std::uint32_t rounded_bits(std::uint32_t bits, int drop, bool away) {
  const float value = float_of(bits);
  if (!std::isfinite(value)) {
    return bits;
  }
  const double unit = std::ldexp(1.0, std::max(std::ilogb(value), -126) - 23 + drop);
  const double steps = value == 0.0F ? 0.0 : std::fabs(static_cast<double>(value)) / unit;
  const double nearest = away ? std::floor(steps + 0.5) : std::nearbyint(steps);
  // Beyond the largest float the conversion gives infinity.
  return bits_of(std::copysign(static_cast<float>(nearest * unit), value));
}

std::uint32_t expected_bf16(std::uint32_t bits) {
  if (std::isnan(float_of(bits))) {
    return 0x7FFFU;  // sign and payload are lost
  }
  return rounded_bits(bits, 16, false) >> 16U;
}

// Which zero is made of -0 is not documented: it is left out.
ProbeCase relu_of_pairs(Words in) {
  std::replace(in.begin(), in.end(), 0x80000000U, 0U);
  const auto positive = [&](Lane lane) {
    return float_of(in[lane]) < 0.0F ? 0U : expected_bf16(in[lane]);
  };
  return {"to_bf16x2_relu", Match::bits, in, per_lane(1, [&](Lane lane, std::size_t) {
            return positive(lane) | positive(31 - lane) << 16U;
          })};
}

void append_conversions(std::vector<ProbeCase>& cases) {
  for (const Words& in : {floats_around(0x1000U), special_floats()}) {
    cases.push_back({"to_tf32", Match::tf32, in, per_lane(1, [&](Lane lane, std::size_t) {
                       return rounded_bits(in[lane], 13, true);
                     })});
  }
  for (const Words& in : {floats_around(0x8000U), special_floats()}) {
    cases.push_back({"to_bf16", Match::bits, in,
                     per_lane(1, [&](Lane lane, std::size_t) { return expected_bf16(in[lane]); })});
    Words pairs;
    for (Lane lane = 0; lane < 32; ++lane) {
      pairs.push_back(expected_bf16(in[lane]) | expected_bf16(in[31 - lane]) << 16U);
    }
    for (Lane lane = 0; lane < 32; ++lane) {
      pairs.push_back((in[lane] & 0xFFFFU) << 16U);
    }
    for (Lane lane = 0; lane < 32; ++lane) {
      pairs.push_back(in[lane] & 0xFFFF0000U);
    }
    cases.push_back({"bf16_pairs", Match::bits, in, pairs});
    cases.push_back(relu_of_pairs(in));
  }
}

// ---- shuffles: segments of `width` lanes; a lane that asks beyond its segment keeps its value,
// except that xor may reach earlier segments and an index wraps around.

void append_lanes(Words& out, const Words& in, const std::function<int(int)>& source) {
  for (int lane = 0; lane < 32; ++lane) {
    out.push_back(in[static_cast<std::size_t>(source(lane))]);
  }
}

ProbeCase shuffle_xor() {
  ProbeCase probe{"shuffle_xor", Match::bits, random_words(32, 51), {}};
  for (const int bits : {1, 3, 7, 15, 31}) {
    for (const int width : {32, 16, 8, 4}) {
      append_lanes(probe.expected, probe.in, [&](int lane) {
        const int last_of_segment = lane - lane % width + width - 1;
        return (lane ^ bits) <= last_of_segment ? lane ^ bits : lane;
      });
    }
  }
  return probe;
}

ProbeCase shuffle_up_down() {
  ProbeCase probe{"shuffle_up_down", Match::bits, random_words(32, 52), {}};
  for (const int delta : {0, 1, 4, 13}) {
    for (const int width : {32, 16, 8, 4}) {
      append_lanes(probe.expected, probe.in,
                   [&](int lane) { return lane % width >= delta ? lane - delta : lane; });
      append_lanes(probe.expected, probe.in,
                   [&](int lane) { return lane % width + delta < width ? lane + delta : lane; });
    }
  }
  return probe;
}

ProbeCase shuffle_index() {
  ProbeCase probe{"shuffle_index", Match::bits, random_words(32, 53), {}};
  for (const int index : {0, 5, 31, -1, 37}) {
    for (const int width : {32, 16, 8, 4}) {
      append_lanes(probe.expected, probe.in,
                   [&](int lane) { return lane - lane % width + (index + 4 * width * 8) % width; });
    }
  }
  return probe;
}

// ---- votes

Words repeated(std::uint32_t ballot, std::uint32_t any, std::uint32_t all) {
  Words words(32, ballot);
  words.insert(words.end(), 32, any);
  words.insert(words.end(), 32, all);
  return words;
}

void append_votes(std::vector<ProbeCase>& cases) {
  cases.push_back({"votes", Match::bits, Words(32, 2), repeated(0, 0, 0)});
  cases.push_back({"votes", Match::bits, Words(32, 7), repeated(0xFFFFFFFFU, 1, 1)});
  Words some(32, 4);
  some[0] = some[9] = some[31] = 5;
  cases.push_back({"votes", Match::bits, some, repeated(1U | 1U << 9U | 1U << 31U, 1, 0)});
}

ProbeCase partial_masks(Words in, std::uint32_t ballot, std::uint32_t any, std::uint32_t all) {
  Words expected(160, 0);
  for (Lane lane = 0; lane < 32; lane += 2) {
    expected[lane] = in[lane ^ 6U];
    expected[32 + lane] = in[30];
    expected[64 + lane] = ballot;
    expected[96 + lane] = any;
    expected[128 + lane] = all;
  }
  return {"partial_masks", Match::bits, std::move(in), expected};
}

void append_partial_masks(std::vector<ProbeCase>& cases) {
  Words in(32);
  for (Lane lane = 0; lane < 32; ++lane) {
    in[lane] = static_cast<std::uint32_t>(100 * lane + lane % 2);  // odd lanes hold odd values
  }
  cases.push_back(partial_masks(in, 0, 0, 0));
  in[4] += 1;
  cases.push_back(partial_masks(in, 1U << 4U, 1, 0));
  for (Lane lane = 0; lane < 32; ++lane) {
    in[lane] |= 1U;
  }
  in[7] = 0;  // not in the mask
  cases.push_back(partial_masks(in, 0x55555555U, 1, 1));
}

// ---- arithmetic

void append_arithmetic(std::vector<ProbeCase>& cases) {
  const auto whole = integers(32, 61, 1000);
  float sum = 0.0F;
  for (const float value : whole) {
    sum += value;
  }
  cases.push_back({"sum_of_warp", Match::bits, bits_of(whole), Words(32, bits_of(sum))});

  const auto factors = uniform(96, 62);
  cases.push_back(
      {"multiply_add", Match::bits, bits_of(factors), per_lane(1, [&](Lane lane, std::size_t) {
         const float* mine = factors.data() + 3 * lane;
         return bits_of(std::fma(mine[0], mine[1], mine[2]));
       })});

  const Words words = random_words(32, 63);
  cases.push_back({"multiply_high", Match::bits, words, per_lane(1, [&](Lane lane, std::size_t) {
                     const std::uint64_t product = std::uint64_t{words[lane]} * words[31 - lane];
                     return static_cast<std::uint32_t>(product / 4294967296U);
                   })});

  const auto exponents = uniform(32, 64, -20.0F, 3.0F);
  cases.push_back(
      {"exponential", Match::close, bits_of(exponents), per_lane(1, [&](Lane lane, std::size_t) {
         return bits_of(static_cast<float>(std::exp(double{exponents[lane]})));
       })});
}

// atom.inc: d = [a]; [a] = d >= limit ? 0 : d + 1.
ProbeCase increment_release() {
  ProbeCase result{"increment_release", Match::bits, Words(64), Words(128)};
  for (Lane lane = 0; lane < 32; ++lane) {
    const auto limit = static_cast<std::uint32_t>(lane / 4);
    auto counter = static_cast<std::uint32_t>(lane % 4 + lane / 8);
    result.in[lane] = counter;
    result.in[32 + lane] = limit;
    for (std::size_t draw = 1; draw <= 3; ++draw) {
      result.expected[32 * draw + lane] = counter;
      counter = counter >= limit ? 0 : counter + 1;
    }
    result.expected[lane] = counter;
  }
  return result;
}

bool agrees(Match match, std::uint32_t got, std::uint32_t expected) {
  if (match == Match::bits) {
    return got == expected;
  }
  const float a = float_of(got);
  const float b = float_of(expected);
  if (match == Match::tf32) {
    return (std::isnan(a) && std::isnan(b)) || (got ^ expected) >> 13U == 0;
  }
  return std::fabs(a - b) <= 1e-5F * std::fmax(1.0F, std::fabs(b));
}

}  // namespace

std::vector<ProbeCase> probe_cases() {
  std::vector<ProbeCase> cases = {ldmatrix(4, false),         ldmatrix(4, true),
                                  ldmatrix(2, false),         ldmatrix(2, true),
                                  cp_async("cp_async_16", 4), cp_async("cp_async_8", 2),
                                  cp_async("cp_async_4", 1),  shuffle_xor(),
                                  shuffle_up_down(),          shuffle_index(),
                                  mma_tf32_with_low_bits(),   increment_release()};
  cases.push_back({"cp_async_nowhere", Match::bits, random_words(4, 33), Words(128, 0U)});
  const Words groups = random_words(64, 32);
  cases.push_back({"cp_async_groups", Match::bits, groups, groups});
  append_mma(cases, true);
  append_mma(cases, false);
  append_conversions(cases);
  append_votes(cases);
  append_partial_masks(cases);
  append_arithmetic(cases);
  return cases;
}

std::string mismatch(Match match, const Words& got, const Words& expected) {
  if (got.size() != expected.size()) {
    return "got " + std::to_string(got.size()) + " words, expected " +
           std::to_string(expected.size());
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!agrees(match, got[i], expected[i])) {
      char line[120];
      std::snprintf(line, sizeof(line), "word %zu (lane %zu or %zu): got %08x, expected %08x", i,
                    i * 32 / got.size(), i % 32, got[i], expected[i]);
      return line;
    }
  }
  return {};
}

}  // namespace accrete::test
