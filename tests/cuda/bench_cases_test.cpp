// SPDX-License-Identifier: Apache-2.0
// The benchmark's cases are calls that the CUDA backend takes, in every arithmetic, and come in an
// order that suits a run that may be cut short.
#include <algorithm>
#include <set>

#include "cuda/test_runtime.h"
#include "families.h"
#include "support/catch.h"

using namespace accrete;
using namespace accrete::bench;

namespace {

// What the host executor does in a moment.
bool is_small(const Work& work) {
  return work.flops < 2e7 && work.bytes < 4e7;
}

std::string label(const BenchCase& bench_case) {
  return bench_case.name + "/" + name_of(bench_case.arithmetic);
}

}  // namespace

TEST_CASE("benchmark cases run on the CUDA backend") {
  const ConvYardsticks none;
  const BenchSetting setting{
      {Arithmetic::f32, Arithmetic::tf32, Arithmetic::bf16}, none, {1, 1, 1}};
  const auto runtime = test::make_test_runtime();
  std::set<std::string> names;
  for (const Family family : kFamilies) {
    int calls = 0;
    std::string last;
    for (const BenchCase& bench_case : family(setting)) {
      last = label(bench_case);
      INFO(last);
      CHECK(names.insert(last).second);
      Workbench bench(*runtime, bench_case.arithmetic);
      const Work work = bench_case.prepare(bench);
      CHECK(work.bytes > 0.0);
      if (is_small(work)) {
        CHECK_NOTHROW(work.call());
        ++calls;
      }
    }
    INFO(last);
    CHECK(calls > 0);
  }
}

TEST_CASE("benchmark cases in order are those of all families") {
  const ConvYardsticks none;
  const BenchSetting setting{
      {Arithmetic::bf16, Arithmetic::f32, Arithmetic::tf32}, none, {1, 1, 1}};
  std::set<std::string> expected;
  for (const Family family : kFamilies) {
    for (const BenchCase& bench_case : family(setting)) {
      expected.insert(label(bench_case));
    }
  }
  const BenchCases cases = cases_in_order(setting);
  std::set<std::string> names;
  for (const BenchCase& bench_case : cases) {
    CHECK(names.insert(label(bench_case)).second);
  }
  CHECK(names == expected);
  CHECK(cases.front().name.rfind("fused_conv/forward/dn121/", 0) == 0);
  const auto place = [&](const BenchCase& bench_case) {
    return std::find(setting.arithmetics.begin(), setting.arithmetics.end(), bench_case.arithmetic);
  };
  CHECK(std::is_sorted(cases.begin(), cases.end(), [&](const BenchCase& a, const BenchCase& b) {
    return place(a) < place(b);
  }));
}
