// SPDX-License-Identifier: Apache-2.0
// The results of a run as one table, yardsticks side by side with what they measure.
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "row_writer.h"

namespace accrete::bench {

/// Passes everything on to Google Benchmark's own reporter and, if there is one, to a file of rows,
/// and remembers the results.
class TableReporter final : public benchmark::BenchmarkReporter {
 public:
  /// `rows` may be null.
  explicit TableReporter(RowWriter* rows);
  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;

  /// Rows in the order of the run. Of repetitions, the fastest counts.
  void print(std::ostream& out) const;
  /// Whether a case of this project, not of a yardstick, ended with an error.
  bool failed() const { return failed_; }

 private:
  struct Row {
    std::string name, kernel;
    double flops = 0.0, bytes = 0.0, of_gemm = 0.0, of_copy = 0.0;  ///< per second, and shares
    std::map<std::string, double> microseconds;                     ///< by implementation
  };
  void take(const Run& run);
  Row& row_of(const std::string& name);
  void print_row(std::ostream& out, const Row& row) const;

  std::unique_ptr<benchmark::BenchmarkReporter> inner_;
  RowWriter* rows_file_;
  std::vector<Row> rows_;
  std::map<std::string, std::size_t> index_;
  std::vector<std::string> yardsticks_;
  bool failed_ = false;
};

}  // namespace accrete::bench
