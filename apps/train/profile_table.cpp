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
  using Row = StepProfile::value_type;
  std::vector<const Row*> rows;
  double total = 0.0;
  for (const Row& row : profile) {
    rows.push_back(&row);
    total += row.second.seconds;
  }
  std::sort(rows.begin(), rows.end(),
            [](const Row* a, const Row* b) { return a->second.seconds > b->second.seconds; });
  std::printf("\n%-46s %-16s %8s %10s %7s %9s %8s\n",
              "op (training and evaluation of the last epoch)", "kernel", "calls", "ms", "share",
              "GFLOP/s", "GB/s");
  for (const Row* row : rows) {
    const auto& [kind, op] = *row;
    std::printf("%-46s %-16s %8lld %10.1f %6.1f%% %9.1f %8.1f\n", kind.first.c_str(),
                kind.second.c_str(), static_cast<long long>(op.calls), 1e3 * op.seconds,
                100.0 * op.seconds / total,
                per_second(2.0 * static_cast<double>(op.macs), op.seconds),
                per_second(static_cast<double>(op.bytes), op.seconds));
  }
}

}  // namespace accrete::apps
