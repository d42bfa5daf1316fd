// SPDX-License-Identifier: Apache-2.0
#include "families.h"

#include <algorithm>
#include <iterator>

namespace accrete::bench {
namespace {

constexpr const char* kNetworks[] = {"/dn121", "/d2l96", "/bc100"};

// Its place among them; behind the last for what belongs to none.
std::ptrdiff_t network_of(const BenchCase& bench_case) {
  const auto* found = std::find_if(
      std::begin(kNetworks), std::end(kNetworks),
      [&](const char* network) { return bench_case.name.find(network) != std::string::npos; });
  return found - std::begin(kNetworks);
}

}  // namespace

std::vector<Arithmetic> BenchSetting::others() const {
  std::vector<Arithmetic> kept;
  std::remove_copy(arithmetics.begin(), arithmetics.end(), std::back_inserter(kept),
                   Arithmetic::tf32);
  return kept;
}

BenchCases cases_in_order(const BenchSetting& setting) {
  BenchCases all;
  for (const Arithmetic arithmetic : setting.arithmetics) {
    const BenchSetting one{{arithmetic}, setting.yardsticks, setting.batches};
    for (const Family family : kFamilies) {
      BenchCases cases = family(one);
      std::stable_sort(cases.begin(), cases.end(), [](const BenchCase& a, const BenchCase& b) {
        return network_of(a) < network_of(b);
      });
      std::move(cases.begin(), cases.end(), std::back_inserter(all));
    }
  }
  return all;
}

}  // namespace accrete::bench
