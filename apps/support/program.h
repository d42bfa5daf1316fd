// SPDX-License-Identifier: Apache-2.0
// How every program ends.
#pragma once

#include <functional>

namespace accrete::apps {

/// Runs the body of a program and returns its exit code. Whatever the body throws becomes one line
/// on standard error that begins with `name`, and the code that docs/errors.md gives it. A body
/// that succeeded while its standard output could not be written has failed, too.
int run_program(const char* name, const std::function<int()>& body);

}  // namespace accrete::apps
