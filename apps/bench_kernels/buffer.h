// SPDX-License-Identifier: Apache-2.0
// Memory of the benchmarks.
#pragma once

#include <cstdlib>
#include <memory>

namespace accrete::bench {

/// 64-byte aligned floats with values that are no denormals and do not grow.
class Buffer {
 public:
  explicit Buffer(std::size_t floats)
      : data_(static_cast<float*>(std::aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64)),
              &std::free) {
    for (std::size_t i = 0; i < floats; ++i) {
      data_.get()[i] = 0.001F * static_cast<float>(i % 251) - 0.125F;
    }
  }
  float* data() const { return data_.get(); }

 private:
  std::unique_ptr<float, decltype(&std::free)> data_;
};

}  // namespace accrete::bench
