// SPDX-License-Identifier: Apache-2.0
// Runs kernel calls in every way that must not matter: placement of the tensors, number of
// threads, instruction set. Within one instruction set the results must agree bit for bit; each
// set is compared with the oracle.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "accrete/kernels/call.h"
#include "accrete/kernels/error.h"
#include "kernels/backend.h"
#include "kernels/scratch.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/guarded_tensor.h"

namespace accrete::test {

/// The channel counts and image sizes of the row kernels: below, at and above every vector
/// length, one pixel up to several tiles.
inline std::vector<Shape> row_shapes() {
  std::vector<Shape> shapes;
  for (const std::int64_t c : {1, 3, 10, 12, 16, 17, 32, 33, 48, 64, 100, 130}) {
    for (const Shape& image : {Shape{1, 1, 1, 1}, Shape{1, 3, 5, 1}, Shape{2, 9, 11, 1}}) {
      shapes.push_back({image.n, image.h, image.w, c});
    }
  }
  for (const std::int64_t c : {3, 12, 33, 130}) {
    shapes.push_back({3, 23, 29, c});
  }
  shapes.push_back({2, 3, 3, 1037});
  return shapes;
}

struct Run {
  Stream stream;
  Layout in;
  Layout out;
  DType dtype = DType::f32;  ///< of activations and weights, where a test tries several
};

struct Expected {
  std::vector<double> values;
  Tolerance tolerance;
};

using Outputs = std::vector<std::vector<float>>;

/// Calls `body(run)` for all placements, on streams that must not matter.
inline Outputs agreeing_outputs(const std::function<Outputs(const Run&)>& body) {
  Outputs first;
  int number = 0;
  for (std::size_t shift = 0; shift < 2; ++shift) {
    for (std::size_t i = 0; i < layouts().size(); ++i) {
      const Layout& out = layouts()[(i + shift) % layouts().size()];
      const Outputs got = body({test_stream(number), layouts()[i], out, DType::f32});
      if (first.empty()) {
        first = got;
      }
      for (std::size_t k = 0; k < got.size(); ++k) {
        INFO("output " << k << ", layout " << i << ", stream " << number);
        ++number;
        REQUIRE(exact_difference(got[k], first[k]).empty());
      }
    }
  }
  return first;
}

inline void check_outputs(const Outputs& got, const std::vector<Expected>& expected) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t k = 0; k < got.size(); ++k) {
    INFO("output " << k);
    CHECK(difference(got[k], expected[k].values, expected[k].tolerance) == "");
  }
}

inline void expect_every_run(const std::vector<Expected>& expected,
                             const std::function<Outputs(const Run&)>& body) {
  const std::vector<std::string> names = arithmetics();
  for (std::size_t way = 0; way < names.size(); ++way) {
    const Arithmetic arithmetic(way);
    INFO(names[way]);
    check_outputs(agreeing_outputs(body), expected);
  }
}

inline void require_undamaged(const std::vector<const GuardedTensor*>& tensors) {
  for (const GuardedTensor* tensor : tensors) {
    REQUIRE(tensor->damage() == "");
  }
}

inline GuardedTensor filled(const Shape& shape, Layout layout, const std::vector<float>& values,
                            DType dtype = DType::f32) {
  GuardedTensor tensor(shape, layout, dtype);
  tensor.set_values(values);
  return tensor;
}

/// A tensor of NaN, for outputs that must be overwritten.
inline GuardedTensor poisoned(const Shape& shape, Layout layout, DType dtype = DType::f32) {
  GuardedTensor tensor(shape, layout, dtype);
  tensor.poison();
  return tensor;
}

/// Where a gradient goes: on top of `before`, or over NaN.
inline GuardedTensor gradient_target(const Shape& shape, Layout layout, GradMode mode,
                                     const std::vector<float>& before, DType dtype = DType::f32) {
  return mode == GradMode::accumulate ? filled(shape, layout, before, dtype)
                                      : poisoned(shape, layout, dtype);
}

inline constexpr GradMode kGradModes[] = {GradMode::overwrite, GradMode::accumulate};

inline std::vector<double> widened(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

inline std::vector<double> plus(std::vector<double> sum, const std::vector<float>& before) {
  for (std::size_t i = 0; i < sum.size(); ++i) {
    sum[i] += static_cast<double>(before[i]);
  }
  return sum;
}

/// What gradient_target() holds in the end.
inline std::vector<double> in_mode(GradMode mode, const std::vector<double>& gradient,
                                   const std::vector<float>& before) {
  return mode == GradMode::accumulate ? plus(gradient, before) : gradient;
}

/// Adds `more` behind `all`.
template <class T>
void append(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

/// Exact results as a tensor of this dtype holds them.
inline std::vector<double> as_stored(std::vector<double> exact, DType dtype) {
  for (double& value : exact) {
    value =
        dtype == DType::bf16 ? static_cast<double>(bf16_rounded(static_cast<float>(value))) : value;
  }
  return exact;
}

/// The message of the Error that `call` throws; fails the test when it throws none.
inline std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  FAIL("no error was thrown");
  return {};
}

/// For convolutions on tensor cores, on data whose products and sums are exact: body(run) with
/// products in tf32, or in bf16 where that is the dtype: packed, on slices of whole
/// packs and on slices at odd offsets. The order of threads alternates.
template <class Body>
void for_each_tensor_core_run(DType dtype, const Body& body) {
  int number = 0;
  for (const std::size_t layout : {std::size_t{0}, std::size_t{2}, std::size_t{3}}) {
    const Stream stream = test_stream(number++).with_float_math(FloatMath::tf32);
    body(Run{stream, layouts()[layout], layouts()[2], dtype});
  }
}

}  // namespace accrete::test
