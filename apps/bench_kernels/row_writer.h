// SPDX-License-Identifier: Apache-2.0
// The results of a run as JSON lines, each on disk as soon as it is there: what was measured before
// a run is cut short is not lost.
#pragma once

#include <benchmark/benchmark.h>

#include <fstream>
#include <string>

#include "bench_device.h"

namespace accrete::bench {

/// The first line is {"context": {...}}, every further one a result:
/// {"name": "conv/forward/dn121/1x1/56x56/64-128/bf16/cold", "implementation": "cudnn",
///  "microseconds": .., "bytes_per_second": .., "flops_per_second": .., "of_copy": ..,
///  "of_gemm": ..}
/// Of a case that failed there is "error" in place of numbers; what was not measured is left out.
class RowWriter {
 public:
  /// Creates or empties the file. Error(io) if it cannot be written.
  explicit RowWriter(const std::string& path);

  void context(const Facts& facts);
  void add(const benchmark::BenchmarkReporter::Run& run);

 private:
  void write(const std::string& line);

  std::string path_;
  std::ofstream file_;
};

}  // namespace accrete::bench
