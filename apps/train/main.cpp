// SPDX-License-Identifier: Apache-2.0
// train: trains the network a JSON spec describes.
#include <cstdio>
#include <exception>

#include "accrete/kernels/error.h"
#include "exit_codes.h"
#include "options.h"
#include "training_run.h"

int main(int argc, char** argv) {
  using namespace accrete;
  try {
    apps::TrainOptions options;
    int exit_code = apps::kExitOk;
    if (!apps::parse_train_options(argc, argv, options, exit_code)) {
      return exit_code;
    }
    return apps::run_training(options);
  } catch (const Error& error) {
    std::fprintf(stderr, "train: %s\n", error.what());
    return apps::exit_code_of(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "train: unexpected failure: %s\n", error.what());
    return apps::kExitFailure;
  }
}
