// SPDX-License-Identifier: Apache-2.0
// A tensor in memory whose surroundings are watched: a canary before it, behind it, and in every
// channel between its own and the pitch. Kernel tests run on these to prove that a kernel on a
// channel slice leaves the neighbours alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/kernels/tensor_view.h"
#include "support/test_memory.h"

namespace accrete::test {

/// How a tensor lies in its buffer.
struct Layout {
  std::int64_t offset = 0;  ///< channels before the slice
  std::int64_t after = 0;   ///< channels behind the slice; pitch = offset + C + after
};

/// The placements every kernel test runs: packed, first slice, inner slice, odd offset.
inline const std::vector<Layout>& layouts() {
  static const std::vector<Layout> all = {{0, 0}, {0, 16}, {16, 32}, {3, 5}};
  return all;
}

/// Rounded to 8 significant bits, to nearest, ties to even: what bf16 can hold (no subnormals).
float bf16_rounded(float value);

class GuardedTensor {
 public:
  explicit GuardedTensor(const Shape& shape, Layout layout = {}, DType dtype = DType::f32);

  TensorView view();
  ConstTensorView view() const;

  /// Packed copy of the elements; i32 ones must be small enough for a float.
  std::vector<float> values() const;
  /// Rounds to the dtype.
  void set_values(const std::vector<float>& packed);
  void set_labels(const std::vector<std::int32_t>& packed);
  /// Fills the elements with quiet NaN: what a kernel must overwrite.
  void poison();

  /// Empty when every byte outside the elements is untouched, else where the first damage is.
  std::string damage() const;

 private:
  std::int64_t element_offset(std::int64_t pixel) const;
  float read_element(const unsigned char* row, std::int64_t c) const;
  void write_element(unsigned char* row, std::int64_t c, float value) const;

  Shape shape_;
  Layout layout_;
  DType dtype_;
  std::int64_t pitch_;
  TestMemory memory_;
};

}  // namespace accrete::test
