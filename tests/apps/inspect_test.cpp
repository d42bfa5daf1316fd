// SPDX-License-Identifier: Apache-2.0
// The inspect program on the seed spec.
#include <regex>

#include "apps/command.h"
#include "support/catch.h"

namespace accrete::test {

using Catch::Matchers::Contains;

TEST_CASE("inspect shows layers, parameters, work and memory of the d2l net") {
  const CommandResult result =
      run_command(inspect(std::string(SPEC_FOLDER) + "/fashion_mnist_d2l.json --budget 1024"));
  INFO(result.output);
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.output, Contains("758,226") && Contains("(129.08 M)") &&
                                Contains("features.denseblock4.denselayer4.conv1") &&
                                Contains("[1,3,3,248]") && Contains("feature buffers") &&
                                Contains("largest batch in 1024 MiB"));
  CHECK_THAT(result.output, Contains("29 x 29"));
}

TEST_CASE("without placement the plan of a dense net is larger") {
  const auto peak = [](const std::string& arguments) {
    const CommandResult result =
        run_command(inspect(std::string(SPEC_FOLDER) + "/fashion_mnist_d2l.json" + arguments));
    std::smatch match;
    REQUIRE(std::regex_search(result.output, match, std::regex(R"(peak +(\d+\.\d))")));
    return std::stod(match[1]);
  };
  CHECK(peak(" --disable-pass placement") > 1.2 * peak(""));
  CHECK(peak(" --batch 512") > 1.8 * peak(" --batch 256"));
}

TEST_CASE("inspect lists the passes and refuses what train refuses") {
  CHECK_THAT(run_command(inspect("--passes")).output, Contains("placement"));
  CHECK(run_command(inspect("--disable-pass x a.json")).exit_code == 2);
  CHECK(run_command(inspect("absent.json")).exit_code == 1);
  CHECK(run_command(inspect("")).exit_code == 2);
}

}  // namespace accrete::test
