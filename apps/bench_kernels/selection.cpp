// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <unistd.h>

#include <algorithm>
#include <string>

#include "accrete/kernels/error.h"

namespace accrete::bench {
namespace {

template <class T>
bool contains(const std::vector<T>& all, const T& wanted) {
  return std::find(all.begin(), all.end(), wanted) != all.end();
}

// The options know no other names.
Arithmetic arithmetic_named(const std::string& name) {
  return *std::find_if(std::begin(kArithmetics), std::end(kArithmetics),
                       [&](Arithmetic arithmetic) { return name == name_of(arithmetic); });
}

std::string names_of(const std::vector<Arithmetic>& arithmetics) {
  std::string names;
  for (const Arithmetic arithmetic : arithmetics) {
    names += (names.empty() ? "" : ", ") + std::string(name_of(arithmetic));
  }
  return names;
}

}  // namespace

std::vector<CacheState> chosen_states(const BenchOptions& options, const BenchDevice& device) {
  std::vector<CacheState> states = device.cache_states();
  if (options.cache == "both") {
    return states;
  }
  const CacheState wanted = options.cache == "cold" ? CacheState::cold : CacheState::warm;
  if (!contains(states, wanted)) {
    throw Error(ErrorCode::unsupported, "--cache cold: only a GPU's cache can be emptied here");
  }
  return {wanted};
}

std::vector<Arithmetic> chosen_arithmetics(const BenchOptions& options, const BenchDevice& device) {
  if (options.arithmetics.empty()) {
    return device.default_arithmetics();
  }
  const std::vector<Arithmetic> possible = device.arithmetics();
  std::vector<Arithmetic> chosen;
  for (const std::string& name : options.arithmetics) {
    const Arithmetic arithmetic = arithmetic_named(name);
    if (!contains(possible, arithmetic)) {
      throw Error(ErrorCode::unsupported,
                  "--arithmetic " + name + ": this device computes in " + names_of(possible));
    }
    if (!contains(chosen, arithmetic)) {
      chosen.push_back(arithmetic);
    }
  }
  return chosen;
}

bool lists_only(const BenchOptions& options) {
  return std::any_of(
      options.remaining.begin(), options.remaining.end(), [](const std::string& flag) {
        return flag == "--benchmark_list_tests" || flag == "--benchmark_list_tests=true";
      });
}

bool wants_table(const BenchOptions& options) {
  const bool machine_readable =
      contains<std::string>(options.remaining, "--benchmark_format=json") ||
      contains<std::string>(options.remaining, "--benchmark_format=csv");
  return !machine_readable && !lists_only(options) && (options.table || isatty(STDOUT_FILENO) != 0);
}

}  // namespace accrete::bench
