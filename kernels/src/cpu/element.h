// SPDX-License-Identifier: Apache-2.0
// What a tensor of activations is made of: float, or bfloat16 with all arithmetic in float.
#pragma once

#include <cstdint>

#include "accrete/kernels/dtype.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete::kernels::cpu {

/// A stored bfloat16: the upper half of a float.
struct Bf16 {
  std::uint16_t bits;
};

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
