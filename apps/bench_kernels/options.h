// SPDX-License-Identifier: Apache-2.0
// The command line of bench_kernels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

}  // namespace accrete::bench
