// SPDX-License-Identifier: Apache-2.0
// Operations in bf16: on inputs that bf16 holds exactly, each must give what the f32 kernel gives,
// rounded once.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "kernels/every_run.h"
#include "support/random_fill.h"

namespace accrete::test {

/// Below, at and above vector lengths, and an odd count.
inline const std::vector<Shape>& bf16_shapes() {
  static const std::vector<Shape> all = {
      {2, 5, 7, 16}, {1, 9, 8, 24}, {2, 3, 5, 13}, {1, 2, 3, 1}, {1, 3, 4, 45}};
  return all;
}

inline std::vector<float> bf16_inputs(const Shape& shape, std::uint64_t seed) {
  std::vector<float> values = uniform(shape.elements(), seed);
  for (float& value : values) {
    value = bf16_rounded(value);
  }
  return values;
}

/// Sums in f32 differ in no way between the two dtypes, so that one rounding is all the difference
/// there may be: half a unit of 2^-8. Outputs from number `vectors` on are f32 and may not differ.
inline void expect_rounded(const std::function<Outputs(const Run&)>& body,
                           std::size_t vectors = std::numeric_limits<std::size_t>::max()) {
  const std::vector<std::string> names = arithmetics();
  for (std::size_t way = 0; way < names.size(); ++way) {
    const Arithmetic arithmetic(way);
    for (const std::size_t layout : {std::size_t{0}, std::size_t{2}, std::size_t{3}}) {
      const Outputs exact = body({test_stream(0), layouts()[layout], layouts()[2], DType::f32});
      const Outputs got = body({test_stream(1), layouts()[layout], layouts()[2], DType::bf16});
      for (std::size_t k = 0; k < got.size(); ++k) {
        INFO(names[way] << ", layout " << layout << ", output " << k);
        if (k >= vectors) {
          CHECK(exact_difference(got[k], exact[k]) == "");
        } else {
          CHECK(difference(got[k], widened(exact[k]), {1e-6, 1.0 / 256.0}) == "");
          // It was rounded at all.
          CHECK((got[k].size() < 8 || exact_difference(got[k], exact[k]) != ""));
        }
      }
    }
  }
}

}  // namespace accrete::test
