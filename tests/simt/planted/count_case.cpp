// SPDX-License-Identifier: Apache-2.0
// A histogram of 300 values: several blocks, and several threads of a block per bin.
#include "simt/planted/count.h"
#include "simt/planted/driver.h"

namespace accrete::test {

void run_case(const Stream& stream, Findings& findings) {
  std::vector<int> values;
  std::vector<double> expected(64, 0.0);
  for (int i = 0; i < 300; ++i) {
    values.push_back(i * i % 7 * 9);
    ++expected[static_cast<std::size_t>(values.back())];
  }
  std::vector<int> histogram(64, 0);
  launch_count(stream, values.data(), 300, histogram.data());
  std::vector<float> got;
  for (const int count : histogram) {
    got.push_back(static_cast<float>(count));
  }
  findings.compare(got, expected, {});
}

}  // namespace accrete::test
