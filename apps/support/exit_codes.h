// SPDX-License-Identifier: Apache-2.0
// Exit codes of the applications; docs/errors.md is the table for users.
#pragma once

#include "accrete/kernels/error.h"

namespace accrete::apps {

constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr int kExitData = 3;
constexpr int kExitMemory = 4;
constexpr int kExitDiverged = 5;
constexpr int kExitWeights = 6;
constexpr int kExitDevice = 7;
constexpr int kExitHungUp = 129;       // 128 + SIGHUP
constexpr int kExitInterrupted = 130;  // 128 + SIGINT
constexpr int kExitUserSignal = 138;   // 128 + SIGUSR1
constexpr int kExitTerminated = 143;   // 128 + SIGTERM

constexpr int exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::spec:
    case ErrorCode::unsupported:
      return kExitUsage;
    case ErrorCode::data:
      return kExitData;
    case ErrorCode::out_of_memory:
      return kExitMemory;
    case ErrorCode::diverged:
      return kExitDiverged;
    case ErrorCode::weights:
      return kExitWeights;
    case ErrorCode::device_failure:
      return kExitDevice;
    case ErrorCode::io:
    case ErrorCode::internal:
      break;
  }
  return kExitFailure;
}

}  // namespace accrete::apps
