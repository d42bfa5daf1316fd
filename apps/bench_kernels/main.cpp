// SPDX-License-Identifier: Apache-2.0
// Kernel microbenchmarks. Flags: --threads=N (default: all) and those of Google Benchmark, for
// example --benchmark_filter=wgrad --benchmark_out=result.json --benchmark_repetitions=5.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>

#include "conv_bench.h"
#include "rates.h"

namespace {

// Removes --threads=N from the arguments; 0 when it is absent.
int take_threads(int& argc, char** argv) {
  constexpr const char* kFlag = "--threads=";
  int threads = 0;
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], kFlag, std::strlen(kFlag)) == 0) {
      threads = std::atoi(argv[i] + std::strlen(kFlag));
    } else {
      argv[kept++] = argv[i];
    }
  }
  argc = kept;
  return threads;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) {
      return line.substr(line.find(':') + 2);
    }
  }
  return "unknown";
}

std::string command_line(int argc, char** argv) {
  std::string line = argv[0];
  for (int i = 1; i < argc; ++i) {
    line += std::string(" ") + argv[i];
  }
  return line;
}

int run_benchmarks(int argc, char** argv) {
  const std::string command = command_line(argc, argv);
  int threads = take_threads(argc, argv);
  if (threads <= 0) {
    threads = accrete::available_threads();
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 2;
  }
  accrete::ThreadPool pool(threads);
  const accrete::bench::Rates rates{accrete::bench::fma_peak(pool),
                                    accrete::bench::sgemm_rate(threads)};
  benchmark::AddCustomContext("commit", ACCRETE_COMMIT);
  benchmark::AddCustomContext("cpu", cpu_model());
  benchmark::AddCustomContext("threads", std::to_string(threads));
  benchmark::AddCustomContext("command", command);
  benchmark::AddCustomContext("fma_peak_flops", std::to_string(rates.peak));
  benchmark::AddCustomContext("sgemm_2048_flops", std::to_string(rates.sgemm));
  accrete::bench::register_conv_benchmarks(pool, rates);
  accrete::bench::register_fused_conv_benchmarks(pool, rates);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_benchmarks(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "bench_kernels: " << error.what() << "\n";
    return 1;
  }
}
