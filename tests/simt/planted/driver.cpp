// SPDX-License-Identifier: Apache-2.0
// planted_CASE_NAME FINDING...: runs the case as kernel tests do, threads forward and in reverse,
// and then once with the race detector. Succeeds if what shows up is what the arguments say:
//   values     a wrong result          guard  a write outside of a tensor
//   conflicts  bank conflicts          error  a rule of the executor is broken
//   race       a report of the race detector
#include "simt/planted/driver.h"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "accrete/kernels/error.h"
#include "call/backend.h"
#include "simt/executor.h"

namespace accrete::test {

void Findings::compare(const std::vector<float>& got, const std::vector<double>& expected,
                       Tolerance tolerance) {
  if (!difference(got, expected, tolerance).empty()) {
    add("values");
  }
}

void Findings::watch(const GuardedTensor& tensor) {
  if (!tensor.damage().empty()) {
    add("guard");
  }
}

void Findings::watch_poison(const std::vector<float>& values, std::size_t count) {
  const auto first = values.begin() + static_cast<std::ptrdiff_t>(count);
  if (!std::all_of(first, values.end(), [](float value) { return std::isnan(value); })) {
    add("guard");
  }
}

// Where neighbouring pixels end one row of an image and begin the next, two may meet in a bank.
void Findings::check_matrix_loads() {
  const simt::MatrixLoads loads = simt::matrix_loads();
  if (2 * loads.cycles > 3 * loads.phases) {
    add("conflicts");
  }
}

namespace {

void run(const char* name, const simt::Schedule& schedule, std::set<std::string>& all) {
  static const kernels::Backend no_ops{};
  simt::set_schedule(schedule);
  Findings findings;
  std::string message;
  try {
    run_case(Stream::cuda(0, nullptr, no_ops), findings);
  } catch (const Error& error) {
    message = error.what();
    findings.add(message.find("race in") != std::string::npos ? "race" : "error");
  }
  std::cout << name << ":";
  for (const std::string& finding : findings.names()) {
    std::cout << ' ' << finding;
  }
  std::cout << (message.empty() ? "" : " ") << message << '\n';
  all.insert(findings.names().begin(), findings.names().end());
}

}  // namespace
}  // namespace accrete::test

int main(int argc, char** argv) {
  using namespace accrete::test;
  std::set<std::string> found;
  simt::Schedule schedule;
  schedule.find_races = false;
  run("forward", schedule, found);
  schedule.order = simt::Order::reverse;
  run("reverse", schedule, found);
  run("race detector", {}, found);
  const bool as_expected = found == std::set<std::string>(argv + 1, argv + argc);
  std::cout << (as_expected ? "as expected" : "not as expected") << '\n';
  return as_expected ? 0 : 1;
}
