// SPDX-License-Identifier: Apache-2.0
// Kernel microbenchmarks; --help explains.
#include <benchmark/benchmark.h>

#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "accrete/kernels/error.h"
#include "bench_device.h"
#include "device_choice.h"
#include "driver.h"
#include "exit_codes.h"
#include "families.h"
#include "options.h"
#include "result_table.h"
#include "row_writer.h"
#include "version.h"

namespace accrete::bench {
namespace {

std::string command_line(int argc, char** argv) {
  std::string command = argv[0];
  for (int i = 1; i < argc; ++i) {
    command += " " + std::string(argv[i]);
  }
  return command;
}

// False if there is something among them that Google Benchmark does not know. It keeps pointers to
// `flags`.
bool initialize(std::vector<std::string>& flags) {
  std::vector<char*> argv;
  argv.reserve(flags.size() + 1);
  for (std::string& flag : flags) {
    argv.push_back(flag.data());
  }
  int argc = static_cast<int>(argv.size());
  argv.push_back(nullptr);
  benchmark::Initialize(&argc, argv.data());
  return !benchmark::ReportUnrecognizedArguments(argc, argv.data());
}

std::unique_ptr<BenchDevice> open_device(const BenchOptions& options, const Device& device,
                                         ThreadPool& pool) {
  if (device.kind == DeviceKind::cuda) {
    return make_cuda_bench_device(device.index, options.naive);
  }
  if (options.naive) {
    throw Error(ErrorCode::unsupported, "--naive: only a GPU has naive kernels to stand beside");
  }
  return make_cpu_bench_device(pool);
}

// All that the results depend on.
Facts context_of(const std::string& command, BenchDevice& device, const Ceilings& ceilings) {
  Facts facts = {{"commit", apps::kCommit}, {"compiler", apps::kCompiler}, {"command", command}};
  for (const auto& fact : device.facts()) {
    facts.push_back(fact);
  }
  const auto add = [&](const std::string& name, double rate) {
    if (rate > 0.0) {
      facts.emplace_back(name, std::to_string(rate));
    }
  };
  add("copy_bytes_per_second", ceilings.copy);
  add("fma_flops", ceilings.peak);
  for (const Arithmetic arithmetic : device.arithmetics()) {
    add(std::string("gemm_") + name_of(arithmetic) + "_flops", ceilings.gemm_of(arithmetic));
  }
  return facts;
}

int measure(const BenchOptions& options, const Facts& context, RowWriter* rows) {
  for (const auto& [name, value] : context) {
    benchmark::AddCustomContext(name, value);
  }
  if (rows != nullptr) {
    rows->context(context);
  }
  TableReporter reporter(rows);
  if (benchmark::RunSpecifiedBenchmarks(&reporter) == 0) {
    return apps::kExitUsage;  // Google Benchmark has said that nothing matches
  }
  if (wants_table(options)) {
    reporter.print(std::cout);
  }
  benchmark::Shutdown();
  return reporter.failed() ? apps::kExitFailure : apps::kExitOk;
}

int run(BenchOptions& options, const std::string& command) {
  if (!initialize(options.remaining)) {
    return apps::kExitUsage;
  }
  const apps::DeviceChoice choice = apps::choose_device(options.device);
  if (!choice.note.empty()) {
    std::cerr << choice.note << "\n";
  }
  ThreadPool pool(options.threads > 0 ? options.threads : available_threads());
  const auto device = open_device(options, choice.device, pool);
  const std::vector<CacheState> states = chosen_states(options, *device);
  const BenchSetting setting{chosen_arithmetics(options, *device), device->conv_yardsticks(),
                             batches_of(choice.device.kind, options.batch)};
  std::optional<RowWriter> rows;
  if (!options.rows.empty() && !lists_only(options)) {
    rows.emplace(options.rows);
  }
  const bool with_ceilings = options.ceilings && !lists_only(options);
  const Ceilings ceilings = with_ceilings ? device->measure_ceilings() : Ceilings{};
  Driver driver(*device, ceilings, states);
  driver.add(cases_in_order(setting));
  return measure(options, context_of(command, *device, ceilings), rows ? &*rows : nullptr);
}

}  // namespace
}  // namespace accrete::bench

int main(int argc, char** argv) {
  try {
    accrete::bench::BenchOptions options;
    int exit_code = 0;
    if (!accrete::bench::parse_options(argc, argv, options, exit_code)) {
      return exit_code;
    }
    return accrete::bench::run(options, accrete::bench::command_line(argc, argv));
  } catch (const accrete::Error& error) {
    std::cerr << "bench_kernels: " << error.what() << "\n";
    return accrete::apps::exit_code_of(error.code());
  } catch (const std::exception& error) {
    std::cerr << "bench_kernels: " << error.what() << "\n";
    return accrete::apps::kExitFailure;
  }
}
