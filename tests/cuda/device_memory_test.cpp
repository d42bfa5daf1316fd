// SPDX-License-Identifier: Apache-2.0
// A device with little memory, which only the host executor can be.
#include "accrete/kernels/error.h"
#include "cuda/executor_runtime.h"
#include "engine/tiny_models.h"
#include "support/catch.h"

using namespace accrete;
using namespace accrete::test;

TEST_CASE("a plan larger than the device is refused before anything is allocated") {
  try {
    TinySession tiny(tiny_densenet({}), 6, {}, 1, {}, make_executor_runtime(1000));
    FAIL("no error was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::out_of_memory);
    CHECK_THAT(error.what(), Catch::Matchers::Contains("use a smaller batch size"));
  }
}
