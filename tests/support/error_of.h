// SPDX-License-Identifier: Apache-2.0
// The message of an error that must come.
#pragma once

#include <string>

#include "accrete/kernels/error.h"
#include "support/catch.h"

namespace accrete::test {

/// What body() throws, which must be an Error of this code.
template <class Body>
std::string error_of(ErrorCode code, Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    CHECK(error.code() == code);
    return error.what();
  }
  FAIL("no error");
  return {};
}

}  // namespace accrete::test
