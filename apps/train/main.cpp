// SPDX-License-Identifier: Apache-2.0
// train: trains the network a JSON spec describes.
#include "exit_codes.h"
#include "options.h"
#include "program.h"
#include "training_run.h"

int main(int argc, char** argv) {
  using namespace accrete::apps;
  return run_program("train", [&] {
    TrainOptions options;
    int exit_code = kExitOk;
    return parse_train_options(argc, argv, options, exit_code) ? run_training(options) : exit_code;
  });
}
