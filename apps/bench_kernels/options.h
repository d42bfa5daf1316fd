// SPDX-License-Identifier: Apache-2.0
// The command line of bench_kernels, and what of all that a device can do it asks for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench_device.h"

namespace accrete::bench {

struct BenchOptions {
  std::string device = "auto";
  std::string cache = "both";            ///< warm, cold or both
  int threads = 0;                       ///< 0: all available
  std::int64_t batch = 0;                ///< 0: the device's default of each network
  std::vector<std::string> arithmetics;  ///< names; empty: the device's default
  bool naive = false;                    ///< naive kernels beside small convolutions
  bool ceilings = true;                  ///< measured at the start
  bool table = false;
  std::string rows;  ///< file of JSON lines; empty: none
  /// Program name and the flags of Google Benchmark.
  std::vector<std::string> remaining;
};

/// False if the program has to end with `exit_code` now.
bool parse_options(int argc, char** argv, BenchOptions& options, int& exit_code);

// What of all that a device can do a run is asked for. Error(unsupported) for what it cannot.

std::vector<CacheState> chosen_states(const BenchOptions& options, const BenchDevice& device);

/// In the order in which they are asked for; the device's default if they are not.
std::vector<Arithmetic> chosen_arithmetics(const BenchOptions& options, const BenchDevice& device);

/// Whether names alone are wanted.
bool lists_only(const BenchOptions& options);

/// Whether the run ends with a table, which would spoil what a program reads.
bool wants_table(const BenchOptions& options);

}  // namespace accrete::bench
