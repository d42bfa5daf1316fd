// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <CLI/CLI.hpp>

#include "exit_codes.h"
#include "version.h"

namespace accrete::bench {
namespace {

constexpr const char* kFooter = R"(
Flags of Google Benchmark that are useful here
  --benchmark_filter=REGEX        of names such as conv/forward/dn121/1x1/56x56/64-128/bf16/cold;
                                  a leading '-' means all others
  --benchmark_list_tests          the names only
  --benchmark_min_time=SECONDS    of each measurement; 0.05 here unless given
  --benchmark_repetitions=N
  --benchmark_out=FILE            the results as JSON, with machine, versions and command
  --benchmark_format=json         the same on standard output

Names are operation/pass/network/shape/dtype/cache[/yardstick]; shapes are input size and channels,
C-K for convolutions. Fused convolutions come first, then convolutions with their yardsticks, then
the rest; networks in the order dn121, d2l96, bc100. Yardsticks: openblas on the CPU; cublas, where
its library can be loaded cudnn, and on request naive on a GPU. Counters: FLOP/s, bytes/s (every
tensor once, twice if read and written), of_copy, of_gemm, of_peak (shares of a large copy, a large
matrix product in the same dtype and, on the CPU, multiply-adds in registers, measured at the start
of the run).

Exit codes: 0 done, 1 a case failed or a file cannot be written, 2 usage or no such device, 4 memory,
7 GPU.)";

}  // namespace

bool parse_options(int argc, char** argv, BenchOptions& options, int& exit_code) {
  CLI::App app(
      "Times every kernel on the layers of DenseNet-121, of a DenseNet-BC and of the net of the "
      "Dive into Deep Learning chapter.",
      "bench_kernels");
  app.footer(kFooter);
  app.allow_extras();
  app.add_option("--device", options.device, "auto, cpu or cuda:N")->capture_default_str();
  app.add_option("--threads", options.threads, "CPU threads (default: all available)")
      ->check(CLI::Range(0, 4096));
  app.add_option("--batch", options.batch,
                 "Images per batch (default: CPU 64, dn121 16; GPU 64, d2l96 256)")
      ->check(CLI::Range(1, 65536));
  app.add_option("--cache", options.cache,
                 "warm: as the previous call left it; cold: without the case's data (GPU only); "
                 "both: whatever the device has")
      ->check(CLI::IsMember({"warm", "cold", "both"}))
      ->capture_default_str();
  app.add_option("--arithmetic", options.arithmetics,
                 "Any of bf16, f32 and tf32, in this order (default: CPU f32 bf16; GPU bf16)")
      ->check(CLI::IsMember({"bf16", "f32", "tf32"}))
      ->delimiter(',');
  app.add_flag("--naive", options.naive, "The naive kernels beside small convolutions (GPU only)");
  bool no_ceilings = false;
  app.add_flag(
      "--no-ceilings", no_ceilings,
      "Start with the first case at once, for a profiler; of_copy, of_gemm and of_peak are "
      "left out");
  app.add_option("--rows", options.rows,
                 "JSON lines: the context, then each result as soon as it is there")
      ->type_name("FILE");
  app.add_flag("--table", options.table,
               "End with a table of all results (default: on a terminal)");
  app.set_version_flag("--version", apps::version_text());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? apps::kExitOk : apps::kExitUsage;
    return false;
  }
  options.ceilings = !no_ceilings;
  options.remaining = app.remaining();
  // In front, so that the caller's wins.
  options.remaining.insert(options.remaining.begin(),
                           {"bench_kernels", "--benchmark_min_time=0.05"});
  return true;
}

}  // namespace accrete::bench
