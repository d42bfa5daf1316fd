// SPDX-License-Identifier: Apache-2.0
// The four extents every tensor has. Activations are [N,H,W,C]; convolution weights use the same
// four as [K,R,S,C]; vectors over channels are [1,1,1,C]; one value per sample is [N,1,1,1].
#pragma once

#include <cstdint>
#include <string>

namespace accrete {

struct Shape {
  std::int64_t n = 1;
  std::int64_t h = 1;
  std::int64_t w = 1;
  std::int64_t c = 1;

  /// Pixels: N*H*W, the rows of the [pixels, channels] matrix a tensor is in memory.
  std::int64_t pixels() const { return n * h * w; }
  std::int64_t elements() const { return pixels() * c; }

  friend bool operator==(const Shape& a, const Shape& b) {
    return a.n == b.n && a.h == b.h && a.w == b.w && a.c == b.c;
  }
  friend bool operator!=(const Shape& a, const Shape& b) { return !(a == b); }
};

/// A vector over channels, [1,1,1,C].
inline Shape channel_vector(std::int64_t c) {
  return Shape{1, 1, 1, c};
}

/// "[N,H,W,C]" for messages.
std::string to_string(const Shape& shape);

/// More than any machine holds, and few enough that bytes of many tensors can be summed in 63 bits.
constexpr std::int64_t kMostElements = std::int64_t{1} << 40;

/// Throws Error(invalid_argument) unless every extent is positive and there are at most
/// kMostElements elements. `what` names the tensor in the message.
void check_shape(const Shape& shape, const char* what);

}  // namespace accrete
