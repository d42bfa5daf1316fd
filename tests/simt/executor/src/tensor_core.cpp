// SPDX-License-Identifier: Apache-2.0
// ldmatrix and mma.sync with the fragment layouts of the PTX ISA ("Matrix Fragments for
// mma.m16n8k8" and ".m16n8k16"). In all of them lane l has row g = l / 4 and column pair t = l % 4.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "block.h"
#include "race_hooks.h"
#include "simt/instructions.h"

namespace simt {
namespace {

constexpr std::uint32_t kWholeWarp = 0xFFFFFFFFU;

struct LoadOperand {
  std::uint32_t* d;
  int count;
  bool transposed;
  const void* row;
  const void* code;  // return address into the kernel
};

using Row = std::array<std::uint16_t, 8>;

// A phase reads eight rows of 16 bytes; banks are 4 bytes wide and there are 32.
void count_conflicts(void* const* operands, int matrix) {
  std::array<int, 8> rows_of_segment{};
  for (int row = 0; row < 8; ++row) {
    const auto* operand = static_cast<const LoadOperand*>(operands[matrix * 8 + row]);
    const auto address = reinterpret_cast<std::uintptr_t>(operand->row);
    ++rows_of_segment[address / 16 % 8];
  }
  ++matrix_loads().phases;
  matrix_loads().cycles += *std::max_element(rows_of_segment.begin(), rows_of_segment.end());
}

// The words that hold the elements each lane gets.
void watch_reads(void* const* operands, int matrix, bool transposed) {
  const auto read = [&](int lane, int row, int word) {
    const auto* operand = static_cast<const LoadOperand*>(operands[matrix * 8 + row]);
    race::matrix_word_read(lane, static_cast<const std::uint32_t*>(operand->row) + word,
                           operand->code);
  };
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4;
    const int t = lane % 4;
    if (transposed) {
      read(lane, 2 * t, g / 2);
      read(lane, 2 * t + 1, g / 2);
    } else {
      read(lane, g, t);
    }
  }
}

std::uint32_t pair(std::uint16_t low, std::uint16_t high) {
  return low | static_cast<std::uint32_t>(high) << 16U;
}

void run_load(void* const* operands) {
  const int count = static_cast<const LoadOperand*>(operands[0])->count;
  const bool transposed = static_cast<const LoadOperand*>(operands[0])->transposed;
  for (int matrix = 0; matrix < count; ++matrix) {
    std::array<Row, 8> m;
    for (std::size_t row = 0; row < 8; ++row) {
      const auto* operand =
          static_cast<const LoadOperand*>(operands[static_cast<std::size_t>(matrix) * 8 + row]);
      std::memcpy(&m[row], operand->row, sizeof(Row));
    }
    count_conflicts(operands, matrix);
    watch_reads(operands, matrix, transposed);
    for (std::size_t lane = 0; lane < 32; ++lane) {
      const std::size_t g = lane / 4;
      const std::size_t t = lane % 4;
      static_cast<LoadOperand*>(operands[lane])->d[matrix] =
          transposed ? pair(m[2 * t][g], m[2 * t + 1][g]) : pair(m[g][2 * t], m[g][2 * t + 1]);
    }
  }
}

struct MmaOperand {
  float* d;
  const std::uint32_t* a;
  const std::uint32_t* b;
};

float bf16_half(std::uint32_t word, int half) {
  return std::bit_cast<float>(half == 0 ? word << 16U : word & 0xFFFF0000U);
}

// a [16][K], b [8][K] row by row, then d += a * b^T in f32, k in order.
template <std::size_t K>
struct Tile {
  std::array<std::array<float, K>, 16> a;
  std::array<std::array<float, K>, 8> b;

  void multiply_into(void* const* operands) const {
    for (std::size_t lane = 0; lane < 32; ++lane) {
      float* d = static_cast<MmaOperand*>(operands[lane])->d;
      const std::size_t g = lane / 4;
      const std::size_t t = lane % 4;
      for (std::size_t i = 0; i < 4; ++i) {
        const auto& row = a[g + i / 2 * 8];
        const auto& column = b[2 * t + i % 2];
        float sum = 0.0F;
        for (std::size_t k = 0; k < K; ++k) {
          sum += row[k] * column[k];
        }
        d[i] += sum;
      }
    }
  }
};

void run_mma_bf16(void* const* operands) {
  Tile<16> tile;
  for (std::size_t lane = 0; lane < 32; ++lane) {
    const auto* operand = static_cast<const MmaOperand*>(operands[lane]);
    const std::size_t g = lane / 4;
    const std::size_t t = lane % 4;
    for (std::size_t half = 0; half < 2; ++half) {
      const int which = static_cast<int>(half);
      for (std::size_t i = 0; i < 4; ++i) {
        tile.a[g + i % 2 * 8][2 * t + i / 2 * 8 + half] = bf16_half(operand->a[i], which);
      }
      for (std::size_t i = 0; i < 2; ++i) {
        tile.b[g][2 * t + i * 8 + half] = bf16_half(operand->b[i], which);
      }
    }
  }
  tile.multiply_into(operands);
}

// The tensor core ignores the low 13 bits of a tf32 operand.
float tf32_value(std::uint32_t word) {
  return std::bit_cast<float>(word & 0xFFFFE000U);
}

void run_mma_tf32(void* const* operands) {
  Tile<8> tile;
  for (std::size_t lane = 0; lane < 32; ++lane) {
    const auto* operand = static_cast<const MmaOperand*>(operands[lane]);
    const std::size_t g = lane / 4;
    const std::size_t t = lane % 4;
    for (std::size_t i = 0; i < 4; ++i) {
      tile.a[g + i % 2 * 8][t + i / 2 * 4] = tf32_value(operand->a[i]);
    }
    for (std::size_t i = 0; i < 2; ++i) {
      tile.b[g][t + i * 4] = tf32_value(operand->b[i]);
    }
  }
  tile.multiply_into(operands);
}

std::uint32_t rounded_to_bf16(float value) {
  constexpr std::uint32_t kNaN = 0x7FFFU;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t odd = bits >> 16U & 1U;
  return value != value ? kNaN : (bits + 0x7FFFU + odd) >> 16U;
}

}  // namespace

void load_matrices(std::uint32_t* d, int count, bool transposed, const void* row) {
  // The rows of matrices beyond `count` are not read, so their addresses may be anything.
  const bool used = running_block().current_lane() < 8 * count;
  if (used && reinterpret_cast<std::uintptr_t>(row) % 16 != 0) {
    running_block().fault("ldmatrix of a row that is not 16-byte aligned");
  }
  LoadOperand operand{d, count, transposed, row, __builtin_return_address(0)};
  warp_collective(kWholeWarp, "ldmatrix", &operand, &run_load);
}

void mma_bf16(float* d, const std::uint32_t* a, const std::uint32_t* b) {
  MmaOperand operand{d, a, b};
  warp_collective(kWholeWarp, "mma.m16n8k16.bf16", &operand, &run_mma_bf16);
}

void mma_tf32(float* d, const std::uint32_t* a, const std::uint32_t* b) {
  MmaOperand operand{d, a, b};
  warp_collective(kWholeWarp, "mma.m16n8k8.tf32", &operand, &run_mma_tf32);
}

std::uint32_t to_tf32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const bool finite = (bits & 0x7F800000U) != 0x7F800000U;
  return finite ? (bits + 0x1000U) & 0xFFFFE000U : bits;
}

std::uint32_t to_bf16x2(float low, float high) {
  return rounded_to_bf16(low) | rounded_to_bf16(high) << 16U;
}

std::uint32_t to_bf16x2_relu(float low, float high) {
  // Written so that NaN is kept.
  return to_bf16x2(low <= 0.0F ? 0.0F : low, high <= 0.0F ? 0.0F : high);
}

}  // namespace simt
