// SPDX-License-Identifier: Apache-2.0
// Where a run begins: with new weights, with given ones, or where a checkpoint has stopped.
#pragma once

#include <string>
#include <vector>

#include "accrete/engine/training_session.h"
#include "accrete/models/run_spec.h"
#include "options.h"
#include "run_folder.h"

namespace accrete::apps {

/// What a checkpoint must fit.
struct RunExtent {
  std::string fingerprint;
  std::int64_t epochs = 0;
  std::int64_t steps_per_epoch = 0;
};

struct RunStart {
  TrainingProgress progress;
  std::string resumed_from;        ///< the checkpoint's file; empty: at the beginning
  std::string weights_from;        ///< a file; empty: new ones
  std::vector<std::string> notes;  ///< what a user should know of
};

/// Puts into the session what the run begins with, and makes its folder agree with that: a damaged
/// checkpoint is passed over for the one before if `resume` is "auto", results are given up only
/// with `overwrite`. Until all has been read and fits, nothing is changed. Error(invalid_argument)
/// for a folder that holds results, Error(spec) for fewer epochs than are done, and the errors of
/// Checkpoint and load_weights.
RunStart start_run(const TrainOptions& options, const models::RunSpec& spec,
                   const RunExtent& extent, RunFolder& folder, TrainingSession& session);

}  // namespace accrete::apps
