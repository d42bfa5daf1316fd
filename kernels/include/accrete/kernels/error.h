// SPDX-License-Identifier: Apache-2.0
// The one exception type of the project. Library code never prints, exits or aborts: it throws
// this.
#pragma once

#include <stdexcept>
#include <string>

namespace accrete {

/// What kind of thing went wrong. Applications map it to an exit code (docs/errors.md).
enum class ErrorCode {
  invalid_argument,  ///< a call, flag or environment variable breaks its contract
  unsupported,       ///< valid in principle, but not in this build or on this device
  out_of_memory,     ///< the plan does not fit, or an allocation failed
  io,                ///< a file or folder cannot be read or written
  data,              ///< a data set is missing, truncated or inconsistent
  spec,              ///< a JSON spec is malformed or impossible
  weights,           ///< a checkpoint or weight file does not fit the model
  diverged,          ///< a loss, a parameter or a statistic became NaN or infinite
  device_failure,    ///< a GPU, its driver or a kernel on it failed
  internal,          ///< a broken promise between parts of this project
};

/// An error with a code and one message that says what, where and what to do.
/// Messages of ops start with the op in brackets and print the shapes involved:
/// `[conv_forward] weight has C=64, x has C=48 (x [8,48,32,32] ...)`.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace accrete
