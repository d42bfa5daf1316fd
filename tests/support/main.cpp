// SPDX-License-Identifier: Apache-2.0
// main() of every test executable.
#include "support/skip.h"

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <cstdio>

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  const std::string& reason = accrete::test::reason_to_skip();
  if (!reason.empty()) {
    std::printf("skipped: %s\n", reason.c_str());
    return kSkipped;
  }
  Catch::Session session;
#if defined(CATCH_VERSION_MAJOR) && CATCH_VERSION_MAJOR == 2
  // A filter that matches nothing must not pass; newer versions fail by themselves.
  session.configData().warnings = Catch::WarnAbout::NoTests;
#endif
  return session.run(argc, argv);
}
