// SPDX-License-Identifier: Apache-2.0
// A training run as written in a JSON spec. models/SPEC.md documents every key.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/engine/lr_schedule.h"
#include "accrete/engine/optimizer.h"
#include "accrete/models/model.h"

namespace accrete::models {

enum class DatasetKind : std::uint8_t { fashion_mnist, synthetic };

struct DataSpec {
  DatasetKind dataset = DatasetKind::fashion_mnist;
  std::string path;               ///< folder; empty: searched
  std::int64_t image_size = 0;    ///< images are resized to this square; 0: as they are
  std::vector<double> mean;       ///< per channel, of pixels in [0,1]; empty: 0
  std::vector<double> std;        ///< per channel; empty: 1
  std::int64_t crop_padding = 0;  ///< training images are shifted by up to this many pixels
  bool horizontal_flip = false;   ///< training images are mirrored half of the time
  std::int64_t train_limit = 0;   ///< use only the first images; 0: all
  std::int64_t test_limit = 0;
  // synthetic only
  std::int64_t synthetic_size = 32;
  std::int64_t synthetic_channels = 3;
  std::int64_t synthetic_train = 1024;
  std::int64_t synthetic_test = 256;
};

/// Arithmetic of a run. Parameters, statistics and the optimizer are f32 in all of them.
enum class Precision : std::uint8_t {
  fp32,
  tf32,  ///< f32 tensors, products on a GPU's tensor cores with operands of 11 significant bits
  bf16,  ///< activations and their gradients in bf16, products with f32 sums
};

struct TrainingSpec {
  std::int64_t epochs = 1;
  std::int64_t batch_size = 64;
  std::int64_t eval_batch_size = 256;
  std::uint64_t seed = 0;
  Precision precision = Precision::fp32;
  BatchNormStatistics batch_norm_statistics = BatchNormStatistics::batch;
  OptimizerOptions optimizer;
  Schedule schedule = {ScheduleKind::constant, 0, {0.5, 0.75}};
  double warmup_epochs = 0.0;
};

/// A number of a finished epoch, as metrics.jsonl calls it.
enum class Metric : std::uint8_t { none, train_loss, train_acc, test_loss, test_acc };

/// "test_acc".
const std::string& name_of(Metric metric);

struct CheckpointSpec {
  std::int64_t every_epochs = 1;  ///< 0: only at the end
  std::int64_t keep = 1;          ///< older ones beside the newest and the best
  Metric best = Metric::none;     ///< the epoch that is best by this has a checkpoint, too
};

/// How much memory a run may take for activations.
struct MemorySpec {
  std::int64_t recompute = 0;     ///< level; only without a budget
  std::int64_t budget_bytes = 0;  ///< of the whole plan, whole KiB; 0: none
};

struct RunSpec {
  std::string name = "run";
  ModelSpec model;
  DataSpec data;
  TrainingSpec training;
  MemorySpec memory;
  CheckpointSpec checkpoint;
};

/// "training.epochs=3": a key of the spec and its new value, JSON or a bare string.
struct SpecOverride {
  std::string key;
  std::string value;
};
/// Splits "key=value". Error(spec) if there is no '='. What the parts are is checked when they are
/// applied.
SpecOverride parse_override(const std::string& text);

/// Reads a spec (comments allowed). Error(spec) for anything unknown, of the wrong type or
/// impossible, naming the JSON pointer, what was found, what is allowed and the nearest key; also
/// for text and overrides that find_json_fault refuses. No other exception but bad_alloc leaves it,
/// whatever the text. `source` names the text in messages.
RunSpec parse_run_spec(const std::string& text, const std::string& source,
                       const std::vector<SpecOverride>& overrides = {});
/// Reads the file first. Error(io) if that fails or if it is no regular file, Error(spec) if it has
/// more than 16 MiB.
RunSpec load_run_spec(const std::string& path, const std::vector<SpecOverride>& overrides = {});

/// The spec with every default written out, as JSON text that parse_run_spec reads as the same spec
/// with the same text and fingerprint, if `spec` came from parse_run_spec.
std::string resolved_spec(const RunSpec& spec);

/// What decides the numbers of a run, as the text of a JSON object: the keys of /model, /data and
/// /training, but for expect_params, where the data lie, how many images are tested at once and,
/// with a constant schedule, the number of epochs.
std::string spec_fingerprint(const RunSpec& spec);

}  // namespace accrete::models
