// SPDX-License-Identifier: Apache-2.0
// Command line of `train`.
#pragma once

#include <string>
#include <vector>

#include "accrete/engine/passes.h"
#include "accrete/models/run_spec.h"

namespace accrete::apps {

struct TrainOptions {
  std::string spec_path;
  std::vector<models::SpecOverride> overrides;
  std::string output;                 ///< run folder; empty: runs/<name>-<time>
  std::string device = "auto";        ///< auto, cpu or cuda:N
  std::string resume;                 ///< empty: no; "auto": newest checkpoint if any; else a file
  std::string weights;                ///< start from those of this file; empty: from new ones
  bool overwrite = false;             ///< what the run folder holds may be given up
  int threads = 0;                    ///< 0: all this process may use
  std::int64_t stop_after_steps = 0;  ///< 0: run to the end
  bool quiet = false;
  bool profile = false;  ///< time every op of the last epoch and print a table
  PassSwitches passes;
};

/// Parses the command line. Prints help or version itself and sets `exit_code` then (or after a
/// usage error); returns whether to go on.
bool parse_train_options(int argc, char** argv, TrainOptions& options, int& exit_code);

}  // namespace accrete::apps
