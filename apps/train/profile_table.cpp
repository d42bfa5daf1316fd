// SPDX-License-Identifier: Apache-2.0
#include "profile_table.h"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace accrete::apps {
namespace {

double per_second(double amount, double seconds) {
  return seconds > 0.0 ? amount / seconds / 1e9 : 0.0;
}

}  // namespace

void print_profile(const StepProfile& profile) {
  using Row = std::pair<std::string, OpProfile>;
  std::vector<Row> rows(profile.begin(), profile.end());
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return a.second.seconds > b.second.seconds; });
  double total = 0.0;
  for (const auto& [name, op] : rows) {
    total += op.seconds;
  }
  std::printf("\n%-46s %8s %10s %7s %9s %8s\n", "op (training and evaluation of the last epoch)",
              "calls", "ms", "share", "GFLOP/s", "GB/s");
  for (const auto& [name, op] : rows) {
    std::printf("%-46s %8lld %10.1f %6.1f%% %9.1f %8.1f\n", name.c_str(),
                static_cast<long long>(op.calls), 1e3 * op.seconds, 100.0 * op.seconds / total,
                per_second(2.0 * static_cast<double>(op.macs), op.seconds),
                per_second(static_cast<double>(op.bytes), op.seconds));
  }
}

}  // namespace accrete::apps
