// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/shape.h"

#include <limits>

#include "accrete/kernels/error.h"

namespace accrete {

std::string to_string(const Shape& shape) {
  std::string text = "[";
  text += std::to_string(shape.n) + ',' + std::to_string(shape.h) + ',';
  text += std::to_string(shape.w) + ',' + std::to_string(shape.c) + ']';
  return text;
}

void check_shape(const Shape& shape, const char* what) {
  constexpr std::int64_t kMaxElements = std::numeric_limits<std::int64_t>::max() / 8;
  std::int64_t product = 1;
  for (const std::int64_t extent : {shape.n, shape.h, shape.w, shape.c}) {
    if (extent <= 0 || product > kMaxElements / extent) {
      throw Error(ErrorCode::invalid_argument,
                  std::string(what) + ": impossible shape " + to_string(shape) +
                      "; every extent must be positive and the tensor smaller than 2^60 elements");
    }
    product *= extent;
  }
}

}  // namespace accrete
