// SPDX-License-Identifier: Apache-2.0
// --set options, one a line, applied to a small spec.
#include <algorithm>
#include <vector>

#include "fuzz/fuzz_target.h"
#include "fuzz/spec_checks.h"

namespace {

using accrete::ErrorCode;
namespace models = accrete::models;

constexpr const char* kSpec =
    R"({"name":"tiny","model":{"blocks":[1,1]},"data":{},"training":{"epochs":3}})";

// As a shell hands them over: without NUL.
std::vector<std::string> options_of(std::string text) {
  std::replace(text.begin(), text.end(), '\0', '0');
  std::vector<std::string> options;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    options.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto options = options_of(std::string(accrete::fuzz::text_of(data, size)));
  models::RunSpec spec;
  const bool accepted = accrete::fuzz::answers({ErrorCode::spec}, [&] {
    std::vector<models::SpecOverride> overrides;
    overrides.reserve(options.size());
    for (const std::string& option : options) {
      overrides.push_back(models::parse_override(option));
    }
    spec = models::parse_run_spec(kSpec, "spec", overrides);
  });
  if (accepted) {
    accrete::fuzz::check_resolved(spec);
  }
  return 0;
}
