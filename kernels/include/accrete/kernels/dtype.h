// SPDX-License-Identifier: Apache-2.0
// Element types of tensors, and bfloat16 on the host: the upper half of a float.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace accrete {

/// Element type. Activations are f32 or bf16, labels i32, max-pool winners u8.
enum class DType : std::uint8_t { f32, bf16, i32, u8 };

/// Bytes of one element.
constexpr std::size_t dtype_bytes(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::bf16:
      return 2;
    case DType::u8:
      return 1;
  }
  return 0;
}

/// Printable name: "f32", "bf16", "i32" or "u8".
constexpr const char* dtype_name(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::bf16:
      return "bf16";
    case DType::i32:
      return "i32";
    case DType::u8:
      return "u8";
  }
  return "?";
}

/// bfloat16 of a float, rounded to nearest, ties to even; NaN stays NaN.
inline std::uint16_t bf16_bits(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) {
    return static_cast<std::uint16_t>(bits >> 16U | 0x40U);
  }
  const std::uint32_t odd = bits >> 16U & 1U;
  return static_cast<std::uint16_t>((bits + 0x7FFFU + odd) >> 16U);
}

/// Exact.
inline float bf16_value(std::uint16_t half) {
  const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16U;
  float value = 0.0F;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

}  // namespace accrete
