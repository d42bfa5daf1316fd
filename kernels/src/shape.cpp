// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/shape.h"

#include "accrete/kernels/checked_size.h"
#include "accrete/kernels/error.h"

namespace accrete {

std::string to_string(const Shape& shape) {
  std::string text = "[";
  text += std::to_string(shape.n) + ',' + std::to_string(shape.h) + ',';
  text += std::to_string(shape.w) + ',' + std::to_string(shape.c) + ']';
  return text;
}

void check_shape(const Shape& shape, const char* what) {
  const bool empty = shape.n == 0 || shape.h == 0 || shape.w == 0 || shape.c == 0;
  if (empty || !checked_product({shape.n, shape.h, shape.w, shape.c}).at_most(kMostElements)) {
    throw Error(ErrorCode::invalid_argument,
                std::string(what) + ": impossible shape " + to_string(shape) +
                    "; every extent must be positive and the product at most 2^40 elements");
  }
}

}  // namespace accrete
