// SPDX-License-Identifier: Apache-2.0
// What a tensor of activations is made of: float, or bfloat16 with all arithmetic in float.
#pragma once

#include <cstdint>

#include "accrete/kernels/dtype.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete::kernels::cpu {

/// Whether this machine has AVX-512 BF16. The instruction sets that are compiled do not include it:
/// code asks before it uses one of its instructions.
extern const bool kHasBf16Instructions;

/// The widest vector of any instruction set, in floats: rows are padded to multiples of it.
constexpr std::int64_t kMaxLanes = 16;

constexpr std::int64_t divide_up(std::int64_t value, std::int64_t divisor) {
  return (value + divisor - 1) / divisor;
}
constexpr std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return divide_up(value, unit) * unit;
}

/// A stored bfloat16: the upper half of a float.
struct Bf16 {
  std::uint16_t bits;
};

inline float to_float(float value) {
  return value;
}
inline float to_float(Bf16 value) {
  return bf16_value(value.bits);
}

/// Rounded to what T holds.
template <class T>
T from_float(float value) {
  if constexpr (sizeof(T) == sizeof(Bf16)) {
    return {bf16_bits(value)};
  } else {
    return value;
  }
}

template <class T>
const T* elements(const ConstTensorView& view) {
  return static_cast<const T*>(view.data);
}
template <class T>
T* elements(const TensorView& view) {
  return static_cast<T*>(view.data);
}

/// body.template operator()<T>() with the type of the elements of a tensor of f32 or bf16.
template <class Body>
void with_element(DType dtype, const Body& body) {
  if (dtype == DType::bf16) {
    body.template operator()<Bf16>();
  } else {
    body.template operator()<float>();
  }
}

}  // namespace accrete::kernels::cpu
