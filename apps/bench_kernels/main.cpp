// SPDX-License-Identifier: Apache-2.0
// Kernel microbenchmarks; --help explains.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <string>

#include "accrete/kernels/error.h"
#include "bench_device.h"
#include "device_choice.h"
#include "driver.h"
#include "exit_codes.h"
#include "families.h"
#include "options.h"
#include "result_table.h"
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

std::vector<CacheState> chosen_states(const BenchOptions& options, const BenchDevice& device) {
  std::vector<CacheState> states = device.cache_states();
  if (options.cache == "both") {
    return states;
  }
  const CacheState wanted = options.cache == "cold" ? CacheState::cold : CacheState::warm;
  if (std::find(states.begin(), states.end(), wanted) == states.end()) {
    throw Error(ErrorCode::unsupported, "--cache cold: only a GPU's cache can be emptied here");
  }
  return {wanted};
}

void add_context(const std::string& command, BenchDevice& device, const Ceilings& ceilings) {
  const auto add = [](const std::string& name, double rate) {
    if (rate > 0.0) {
      benchmark::AddCustomContext(name, std::to_string(rate));
    }
  };
  benchmark::AddCustomContext("commit", apps::kCommit);
  benchmark::AddCustomContext("compiler", apps::kCompiler);
  benchmark::AddCustomContext("command", command);
  for (const auto& [name, value] : device.facts()) {
    benchmark::AddCustomContext(name, value);
  }
  add("copy_bytes_per_second", ceilings.copy);
  add("fma_flops", ceilings.peak);
  for (const Arithmetic arithmetic : device.arithmetics()) {
    add(std::string("gemm_") + name_of(arithmetic) + "_flops", ceilings.gemm_of(arithmetic));
  }
}

// A table would spoil what a program reads.
bool wants_table(const BenchOptions& options) {
  const bool machine_readable =
      std::any_of(options.remaining.begin(), options.remaining.end(), [](const std::string& flag) {
        return flag == "--benchmark_format=json" || flag == "--benchmark_format=csv" ||
               flag.rfind("--benchmark_list_tests", 0) == 0;
      });
  return !machine_readable && (options.table || isatty(STDOUT_FILENO) != 0);
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
  const Device chosen = choice.device;
  const auto device = chosen.kind == DeviceKind::cuda ? make_cuda_bench_device(chosen.index)
                                                      : make_cpu_bench_device(pool);
  const std::vector<CacheState> states = chosen_states(options, *device);
  const Ceilings ceilings = device->measure_ceilings();
  add_context(command, *device, ceilings);

  Driver driver(*device, ceilings, states);
  const BenchSetting setting{device->arithmetics(), device->conv_yardsticks(),
                             batches_of(chosen.kind, options.batch)};
  for (const Family family : kFamilies) {
    driver.add(family(setting));
  }
  TableReporter reporter;
  if (benchmark::RunSpecifiedBenchmarks(&reporter) == 0) {
    return apps::kExitUsage;  // Google Benchmark has said that nothing matches
  }
  if (wants_table(options)) {
    reporter.print(std::cout);
  }
  benchmark::Shutdown();
  return reporter.failed() ? apps::kExitFailure : apps::kExitOk;
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
