// SPDX-License-Identifier: Apache-2.0
#include "row_writer.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "accrete/kernels/error.h"
#include "driver.h"

namespace accrete::bench {
namespace {

using Json = nlohmann::ordered_json;  // people read the rows, too

constexpr struct {
  const char* counter;
  const char* key;
} kRates[] = {{"bytes/s", "bytes_per_second"},
              {"FLOP/s", "flops_per_second"},
              {"of_copy", "of_copy"},
              {"of_gemm", "of_gemm"},
              {"of_peak", "of_peak"}};

[[noreturn]] void refuse(const std::string& path) {
  throw Error(ErrorCode::io, "--rows " + path + ": cannot be written: " + std::strerror(errno));
}

}  // namespace

RowWriter::RowWriter(const std::string& path) : path_(path), file_(path) {
  if (!file_) {
    refuse(path_);
  }
}

void RowWriter::context(const Facts& facts) {
  Json context;
  for (const auto& [name, value] : facts) {
    context[name] = value;
  }
  write(Json{{"context", context}}.dump());
}

void RowWriter::add(const benchmark::BenchmarkReporter::Run& run) {
  const BenchName name = split_name(run.run_name.function_name);
  Json row{{"name", name.row}, {"implementation", name.implementation}};
  if (run.error_occurred) {
    row["error"] = run.error_message;
  } else {
    row["microseconds"] =
        run.GetAdjustedRealTime() / benchmark::GetTimeUnitMultiplier(run.time_unit) * 1e6;
    for (const auto& rate : kRates) {
      const auto found = run.counters.find(rate.counter);
      if (found != run.counters.end()) {
        row[rate.key] = found->second.value;
      }
    }
    if (!run.report_label.empty()) {
      row["kernel"] = run.report_label;
    }
  }
  // Messages of libraries are in whatever encoding.
  write(row.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void RowWriter::write(const std::string& line) {
  file_ << line << '\n' << std::flush;
  if (!file_) {
    refuse(path_);
  }
}

}  // namespace accrete::bench
