// SPDX-License-Identifier: Apache-2.0
// The arithmetic of a benchmark: the dtype of its tensors and how products are computed.
#pragma once

#include <cstdint>

#include "accrete/kernels/dtype.h"
#include "accrete/kernels/stream.h"

namespace accrete::bench {

enum class Arithmetic : std::uint8_t {
  f32,   ///< f32 tensors, f32 multiply-adds
  tf32,  ///< f32 tensors, tensor cores; only products differ from f32
  bf16,  ///< bf16 tensors, f32 sums; tensor cores on a GPU
};
inline constexpr int kNumArithmetics = 3;
inline constexpr Arithmetic kArithmetics[] = {Arithmetic::f32, Arithmetic::tf32, Arithmetic::bf16};

constexpr const char* name_of(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::f32:
      return "f32";
    case Arithmetic::tf32:
      return "tf32";
    case Arithmetic::bf16:
      break;
  }
  return "bf16";
}

constexpr DType dtype_of(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::bf16 ? DType::bf16 : DType::f32;
}

constexpr FloatMath float_math_of(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::tf32 ? FloatMath::tf32 : FloatMath::strict;
}

}  // namespace accrete::bench
