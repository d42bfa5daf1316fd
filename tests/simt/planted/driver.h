// SPDX-License-Identifier: Apache-2.0
// What a planted bug may show itself by, and how a case says so.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "accrete/kernels/stream.h"
#include "support/compare.h"
#include "support/guarded_tensor.h"

namespace accrete::test {

class Findings {
 public:
  /// "values": some result differs from the reference in double precision.
  void compare(const std::vector<float>& got, const std::vector<double>& expected,
               Tolerance tolerance);
  /// "guard": something outside the tensor was written.
  void watch(const GuardedTensor& tensor);
  /// "guard": something behind the first `count` of values that were NaN was written.
  void watch_poison(const std::vector<float>& values, std::size_t count);
  /// "conflicts": an ldmatrix had bank conflicts.
  void check_matrix_loads();

  void add(const std::string& name) { names_.insert(name); }
  const std::set<std::string>& names() const { return names_; }

 private:
  std::set<std::string> names_;
};

/// Runs the kernel of the case once and looks at everything a kernel test looks at.
void run_case(const Stream& stream, Findings& findings);

}  // namespace accrete::test
