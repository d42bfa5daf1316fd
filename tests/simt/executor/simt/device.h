// SPDX-License-Identifier: Apache-2.0
// What a kernel sees when it is compiled for the host executor: qualifiers, barriers, warp
// functions and atomics with CUDA's names and meaning.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "simt/types.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__

namespace simt {

/// Memory of one shared array of the running block: the same for all its threads. `key` identifies
/// the declaration.
void* shared_array(const void* key, std::size_t bytes, std::size_t alignment);
/// The block's dynamic shared memory, 128-byte aligned.
unsigned char* dynamic_shared();

/// A line of a kernel.
struct Site {
  const char* file = "";
  unsigned line = 0;
};
void block_barrier(const Site& site);

/// Runs `leader` once, when every lane in `mask` has arrived with its operand. operands[lane] is
/// null for lanes outside the mask.
using Leader = void (*)(void* const* operands);
void warp_collective(std::uint32_t mask, const char* name, void* operand, Leader leader);
/// __syncwarp: also orders the memory accesses of the lanes.
void warp_barrier(std::uint32_t mask);
int lane();

/// A lane reads from one that does not take part: its value would be undefined.
[[noreturn]] void absent_source(const char* name, int lane, int source);

template <class T>
struct ShuffleOperand {
  const char* name;
  T value;
  int source;  // lane to read from
  T result;
};

template <class T>
void run_shuffle(void* const* operands) {
  for (int lane = 0; lane < 32; ++lane) {
    auto* mine = static_cast<ShuffleOperand<T>*>(operands[lane]);
    if (mine == nullptr) {
      continue;
    }
    const auto* from = static_cast<const ShuffleOperand<T>*>(operands[mine->source]);
    if (from == nullptr) {
      absent_source(mine->name, lane, mine->source);
    }
    mine->result = from->value;
  }
}

template <class T>
T shuffle(std::uint32_t mask, const char* name, T value, int source) {
  static_assert(std::is_trivially_copyable_v<T>);
  ShuffleOperand<T> operand{name, value, source & 31, value};
  warp_collective(mask, name, &operand, &run_shuffle<T>);
  return operand.result;
}

std::uint32_t ballot(std::uint32_t mask, bool predicate);

unsigned atomic_add(unsigned* address, unsigned value);
int atomic_add(int* address, int value);

}  // namespace simt

// Reserved names are the point: they are CUDA's. NOLINTBEGIN
inline void __syncthreads(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
  simt::block_barrier({file, line});
}
inline void __syncwarp(std::uint32_t mask = 0xFFFFFFFFU) {
  simt::warp_barrier(mask);
}
template <class T>
T __shfl_sync(std::uint32_t mask, T value, int source, int width = 32) {
  const int first = simt::lane() / width * width;
  return simt::shuffle(mask, "__shfl_sync", value, first + (source & (width - 1)));
}
template <class T>
T __shfl_xor_sync(std::uint32_t mask, T value, int bits, int width = 32) {
  const int source = simt::lane() ^ bits;
  const bool inside = source / width <= simt::lane() / width;
  return simt::shuffle(mask, "__shfl_xor_sync", value, inside ? source : simt::lane());
}
template <class T>
T __shfl_down_sync(std::uint32_t mask, T value, unsigned delta, int width = 32) {
  const int source = simt::lane() + static_cast<int>(delta);
  const bool inside = source / width == simt::lane() / width;
  return simt::shuffle(mask, "__shfl_down_sync", value, inside ? source : simt::lane());
}
template <class T>
T __shfl_up_sync(std::uint32_t mask, T value, unsigned delta, int width = 32) {
  const int source = simt::lane() - static_cast<int>(delta);
  const bool inside = source >= simt::lane() / width * width;
  return simt::shuffle(mask, "__shfl_up_sync", value, inside ? source : simt::lane());
}
inline std::uint32_t __ballot_sync(std::uint32_t mask, int predicate) {
  return simt::ballot(mask, predicate != 0);
}
inline int __any_sync(std::uint32_t mask, int predicate) {
  return simt::ballot(mask, predicate != 0) != 0;
}
inline int __all_sync(std::uint32_t mask, int predicate) {
  return simt::ballot(mask, predicate != 0) == mask;
}

inline unsigned atomicAdd(unsigned* address, unsigned value) {
  return simt::atomic_add(address, value);
}
inline int atomicAdd(int* address, int value) {
  return simt::atomic_add(address, value);
}

inline float __fmaf_rn(float a, float b, float c) {
  return std::fmaf(a, b, c);
}
inline float __fadd_rn(float a, float b) {
  return a + b;
}
inline float __fsub_rn(float a, float b) {
  return a - b;
}
inline float __fmul_rn(float a, float b) {
  return a * b;
}
inline float rsqrtf(float x) {
  return 1.0F / std::sqrt(x);
}
inline float __int_as_float(int bits) {
  return __builtin_bit_cast(float, bits);
}
inline int __float_as_int(float value) {
  return __builtin_bit_cast(int, value);
}
inline float __uint_as_float(unsigned bits) {
  return __builtin_bit_cast(float, bits);
}
inline unsigned __float_as_uint(float value) {
  return __builtin_bit_cast(unsigned, value);
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((static_cast<std::uint64_t>(a) * b) >> 32U);
}
// NOLINTEND
using std::fmaf;
using std::fmaxf;
using std::fminf;
