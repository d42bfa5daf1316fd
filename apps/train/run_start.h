// SPDX-License-Identifier: Apache-2.0
// What a run is asked for, what it is, and where it begins: with new weights, with given ones, or
// where a checkpoint has stopped.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/data/dataset.h"
#include "accrete/engine/passes.h"
#include "accrete/engine/training_session.h"
#include "accrete/models/run_spec.h"
#include "run_folder.h"

namespace accrete::apps {

/// The command line of `train`.
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

/// A run that has been checked and planned.
struct PreparedRun {
  TrainOptions options;
  models::RunSpec spec;
  data::TrainTest sets;
  SessionPlan plan;
  SessionOptions session;
};

/// Reads spec and data and plans the run for a device that is not touched.
PreparedRun prepare_run(const TrainOptions& options, const Device& device);

/// What a run is: two runs with one fingerprint compute the same numbers. It is
/// models::spec_fingerprint, and under /data the extents and the CRC32C of both sets as they are in
/// memory, from whichever folder they came. Reads all of their bytes once.
std::string run_fingerprint(const models::RunSpec& spec, const data::TrainTest& sets);

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
