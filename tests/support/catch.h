// SPDX-License-Identifier: Apache-2.0
// Catch2, version 2 or 3, whichever is installed, and the message of an error that must come.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <string>

#include "accrete/kernels/error.h"

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
