// SPDX-License-Identifier: Apache-2.0
#include "result_table.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "driver.h"

namespace accrete::bench {
namespace {

constexpr int kNameWidth = 62;
constexpr double kGiga = 1e9;

std::string fixed(double value, int width, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%*.*f", width, digits, value);
  return text;
}

std::string number(double value, int width, int digits) {
  return value > 0.0 ? fixed(value, width, digits)
                     : std::string(static_cast<std::size_t>(width) - 1, ' ') + "-";
}

std::string percent(double share) {
  return share > 0.0 ? fixed(100.0 * share, 6, 1) + "%" : "      -";
}

std::string padded(const std::string& text, std::size_t width) {
  return text.size() < width ? text + std::string(width - text.size(), ' ') : text;
}

double counter(const benchmark::BenchmarkReporter::Run& run, const char* name) {
  const auto found = run.counters.find(name);
  return found == run.counters.end() ? 0.0 : found->second.value;
}

}  // namespace

TableReporter::TableReporter(RowWriter* rows)
    : inner_(benchmark::CreateDefaultDisplayReporter()), rows_file_(rows) {}

bool TableReporter::ReportContext(const Context& context) {
  return inner_->ReportContext(context);
}

void TableReporter::ReportRuns(const std::vector<Run>& runs) {
  inner_->ReportRuns(runs);
  // It writes to both; whoever reads a pipe wants to see lines as they come.
  std::cout.flush();
  std::fflush(stdout);
  for (const Run& run : runs) {
    if (run.run_type == Run::RT_Iteration) {
      take(run);
      if (rows_file_ != nullptr) {
        rows_file_->add(run);
      }
    }
  }
}

void TableReporter::Finalize() {
  inner_->Finalize();
}

TableReporter::Row& TableReporter::row_of(const std::string& name) {
  const auto [entry, added] = index_.try_emplace(name, rows_.size());
  if (added) {
    rows_.push_back({});
    rows_.back().name = name;
  }
  return rows_[entry->second];
}

void TableReporter::take(const Run& run) {
  const BenchName name = split_name(run.run_name.function_name);
  if (run.error_occurred) {
    failed_ = failed_ || name.implementation.empty();
    return;
  }
  Row& row = row_of(name.row);
  const double microseconds =
      run.GetAdjustedRealTime() / benchmark::GetTimeUnitMultiplier(run.time_unit) * 1e6;
  const auto [entry, added] = row.microseconds.try_emplace(name.implementation, microseconds);
  const bool fastest = added || microseconds < entry->second;
  entry->second = std::min(entry->second, microseconds);
  if (name.implementation.empty()) {
    if (fastest) {
      row.flops = counter(run, "FLOP/s");
      row.bytes = counter(run, "bytes/s");
      row.of_gemm = counter(run, "of_gemm");
      row.of_copy = counter(run, "of_copy");
      row.kernel = run.report_label;
    }
  } else if (std::find(yardsticks_.begin(), yardsticks_.end(), name.implementation) ==
             yardsticks_.end()) {
    yardsticks_.push_back(name.implementation);
  }
}

void TableReporter::print_row(std::ostream& out, const Row& row) const {
  out << padded(row.name, kNameWidth);
  const auto own = row.microseconds.find("");
  const bool measured = own != row.microseconds.end();
  out << number(measured ? own->second : 0.0, 11, 2) << number(row.bytes / kGiga, 10, 1) << " "
      << percent(row.of_copy) << number(row.flops / kGiga, 11, 1) << " " << percent(row.of_gemm);
  for (const std::string& yardstick : yardsticks_) {
    const auto other = row.microseconds.find(yardstick);
    if (other == row.microseconds.end()) {
      out << "                   -";
    } else {
      out << fixed(other->second, 12, 2);
      out << (measured ? " x" + fixed(other->second / own->second, 6, 2) : "        ");
    }
  }
  out << "  " << row.kernel << "\n";
}

void TableReporter::print(std::ostream& out) const {
  out << "\nof copy, of gemm: shares of what a large copy and a large matrix product reached in "
         "this "
         "run.\nA yardstick's xN: it takes N times as long.\n\n"
      << padded("case", kNameWidth) << "         us      GB/s of copy    GFLOP/s of gemm";
  for (const std::string& yardstick : yardsticks_) {
    out << padded("", 20 - std::min<std::size_t>(yardstick.size(), 19)) << yardstick;
  }
  out << "  kernel\n";
  for (const Row& row : rows_) {
    print_row(out, row);
  }
}

}  // namespace accrete::bench
