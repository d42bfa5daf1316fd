// SPDX-License-Identifier: Apache-2.0
// The comparer of all tests. A NaN or infinity on either side that the other side does not share
// is a failure; nothing is ever dropped.
#pragma once

#include <string>
#include <vector>

namespace accrete::test {

/// |got - expected| <= absolute + relative * |expected| for every element.
struct Tolerance {
  double absolute = 0.0;
  double relative = 0.0;
};

/// Error of summing `terms` products of magnitude about 1 in f32 in any order, with a margin.
Tolerance sum_tolerance(double terms);

/// Empty when every element agrees, else one line: how many differ and the worst one.
std::string difference(const std::vector<float>& got, const std::vector<double>& expected,
                       Tolerance tolerance);

/// Bitwise equality, for results that must be exact. Same messages.
std::string exact_difference(const std::vector<float>& got, const std::vector<float>& expected);

}  // namespace accrete::test
