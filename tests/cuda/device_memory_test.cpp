// SPDX-License-Identifier: Apache-2.0
// A device with little memory, which only the host executor can be.
#include "accrete/kernels/error.h"
#include "cuda/test_runtime.h"
#include "engine/tiny_models.h"
#include "support/catch.h"

using namespace accrete;
using namespace accrete::test;

TEST_CASE("a plan larger than the device is refused before anything is allocated") {
  const auto refusal = [](std::int64_t memory) -> std::string {
    try {
      TinySession tiny(tiny_densenet({}), 6, {}, 1, {}, make_executor_runtime(memory));
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::out_of_memory);
      return error.what();
    }
    return "no error";
  };
  SessionOptions options;
  options.device = {DeviceKind::cuda, 0};
  const auto planned = [&](std::int64_t batch) {
    options.train_batches = options.eval_batches = {batch};
    return plan_session(tiny_densenet({}), options).total_bytes();
  };
  CHECK_THAT(refusal(1000), Catch::Matchers::Contains("not even a batch of 1 fits"));
  CHECK_THAT(refusal(planned(4)),
             Catch::Matchers::Contains("for training and evaluation, is 4 with recompute level 0"));
  CHECK_THAT(refusal(planned(4) - 1),
             Catch::Matchers::Contains("for training and evaluation, is 3 with recompute level 0"));
  CHECK(refusal(planned(6)) == "no error");
}
