// SPDX-License-Identifier: Apache-2.0
// JSON text -> RunSpec.
#include "accrete/models/run_spec.h"

#include <fstream>
#include <limits>
#include <sstream>

#include "accrete/engine/step_plan.h"
#include "accrete/kernels/error.h"
#include "byte_size.h"
#include "json_reader.h"
#include "model_json.h"
#include "spec_names.h"

namespace accrete::models {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::int64_t kMany = 1'000'000'000;

void read_data(JsonReader reader, DataSpec& data) {
  reader.choice("dataset", kDatasetNames, data.dataset);
  reader.string("path", data.path);
  reader.integer("image_size", data.image_size, 0, 16384);
  reader.numbers("mean", data.mean, -1e6, 1e6);
  reader.numbers("std", data.std, 1e-6, 1e6);
  JsonReader augmentation = reader.object("augmentation");
  augmentation.integer("crop_padding", data.crop_padding, 0, 1024);
  augmentation.boolean("horizontal_flip", data.horizontal_flip);
  augmentation.finish();
  reader.integer("train_limit", data.train_limit, 0, kMany);
  reader.integer("test_limit", data.test_limit, 0, kMany);
  JsonReader synthetic = reader.object("synthetic");
  synthetic.integer("image_size", data.synthetic_size, 1, 16384);
  synthetic.integer("channels", data.synthetic_channels, 1, 4096);
  synthetic.integer("train_images", data.synthetic_train, 1, kMany);
  synthetic.integer("test_images", data.synthetic_test, 1, kMany);
  synthetic.finish();
  reader.finish();
}

void read_optimizer(JsonReader reader, OptimizerOptions& optimizer) {
  reader.choice("type", kOptimizerNames, optimizer.kind);
  reader.number("learning_rate", optimizer.learning_rate, 0.0, 1e6);
  reader.number("weight_decay", optimizer.weight_decay, 0.0, 1e3);
  reader.choice("weight_decay_scope", kWeightDecayScopeNames, optimizer.weight_decay_scope);
  if (optimizer.kind == OptimizerKind::sgd) {
    reader.number("momentum", optimizer.momentum, 0.0, 0.9999);
    reader.boolean("nesterov", optimizer.nesterov);
  } else {
    reader.number("beta1", optimizer.beta1, 0.0, 0.999999);
    reader.number("beta2", optimizer.beta2, 0.0, 0.999999);
    reader.number("epsilon", optimizer.epsilon, 1e-16, 1.0);
    reader.boolean("decoupled_weight_decay", optimizer.decoupled_weight_decay);
  }
  reader.finish();
  if (optimizer.nesterov && optimizer.momentum == 0.0) {
    reader.fail("nesterov", "needs a momentum above 0");
  }
}

void read_schedule(JsonReader reader, TrainingSpec& training) {
  Schedule& schedule = training.schedule;
  reader.choice("type", kScheduleNames, schedule.kind);
  if (schedule.kind == ScheduleKind::one_cycle) {
    reader.number("warmup_fraction", schedule.warmup_fraction, 0.0, 1.0);
    reader.number("div_factor", schedule.div_factor, 1.0, 1e9);
    reader.number("final_div_factor", schedule.final_div_factor, 1.0, 1e12);
  } else {
    reader.number("warmup_epochs", training.warmup_epochs, 0.0, 1e6);
  }
  if (schedule.kind == ScheduleKind::step) {
    schedule.milestones = {0.5, 0.75};
    reader.numbers("milestones", schedule.milestones, 0.0, 1.0);
    reader.number("gamma", schedule.gamma, 0.0, 1.0);
  }
  if (schedule.kind == ScheduleKind::cosine) {
    reader.number("final_fraction", schedule.final_fraction, 0.0, 1.0);
  }
  reader.finish();
}

void read_training(JsonReader reader, TrainingSpec& training) {
  std::int64_t seed = 0;
  reader.integer("epochs", training.epochs, 1, 1'000'000);
  reader.integer("batch_size", training.batch_size, 1, 1'000'000);
  reader.integer("eval_batch_size", training.eval_batch_size, 1, 1'000'000);
  reader.integer("seed", seed, 0, std::numeric_limits<std::int64_t>::max());
  training.seed = static_cast<std::uint64_t>(seed);
  reader.choice("precision", kPrecisionNames, training.precision);
  bool frozen = false;
  reader.boolean("freeze_batch_norm_statistics", frozen);
  training.batch_norm_statistics =
      frozen ? BatchNormStatistics::running : BatchNormStatistics::batch;
  read_optimizer(reader.object("optimizer"), training.optimizer);
  read_schedule(reader.object("schedule"), training);
  reader.finish();
}

void read_memory(JsonReader reader, MemorySpec& memory) {
  std::string budget;
  reader.integer("recompute", memory.recompute, 0, kRecomputeLevels - 1);
  reader.string("budget", budget);
  reader.finish();
  if (budget.empty()) {
    return;
  }
  const auto bytes = parse_byte_size(budget);
  if (!bytes) {
    reader.fail("budget", "must be a size such as \"4GiB\" or \"800MB\", found \"" + budget + "\"");
  }
  if (reader.has("recompute")) {
    reader.fail("budget", "chooses the recompute level itself; give one of the two");
  }
  memory.budget_bytes = *bytes;
}

RunSpec read_root(JsonReader reader) {
  RunSpec spec;
  std::string schema;
  reader.string("$schema", schema);
  reader.string("name", spec.name);
  for (const char* key : {"model", "data", "training"}) {
    if (!reader.has(key)) {
      reader.fail(key, "is missing; a spec needs model, data and training");
    }
  }
  read_model(reader.object("model"), spec.model);
  read_data(reader.object("data"), spec.data);
  read_training(reader.object("training"), spec.training);
  read_memory(reader.object("memory"), spec.memory);
  JsonReader checkpoint = reader.object("checkpoint");
  checkpoint.integer("every_epochs", spec.checkpoint.every_epochs, 0, 1'000'000);
  checkpoint.integer("keep", spec.checkpoint.keep, 1, 1'000'000);
  checkpoint.finish();
  reader.finish();
  return spec;
}

Json parse_text(const std::string& text, const std::string& source) {
  try {
    return Json::parse(text, nullptr, true, true);
  } catch (const Json::parse_error& error) {
    throw Error(ErrorCode::spec, source + ": not valid JSON: " + error.what());
  }
}

// Keys of an override are separated by dots; objects on the way are created.
void apply_override(Json& root, const SpecOverride& override_) {
  Json* at = &root;
  std::istringstream parts(override_.key);
  std::string part;
  std::string walked;
  while (std::getline(parts, part, '.')) {
    if (!at->is_object() && !at->is_null()) {
      throw Error(ErrorCode::spec, "--set " + override_.key + ": '" + walked +
                                       "' is a value, not an object with keys");
    }
    walked += walked.empty() ? part : "." + part;
    at = &(*at)[part];
  }
  Json value = Json::parse(override_.value, nullptr, false);
  *at = value.is_discarded() ? Json(override_.value) : value;
}

}  // namespace

SpecOverride parse_override(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(ErrorCode::spec,
                "--set " + text + ": expected KEY=VALUE, for example training.epochs=3");
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

RunSpec parse_run_spec(const std::string& text, const std::string& source,
                       const std::vector<SpecOverride>& overrides) {
  Json root = parse_text(text, source);
  for (const SpecOverride& override_ : overrides) {
    apply_override(root, override_);
  }
  return read_root(JsonReader(root, "", source));
}

RunSpec load_run_spec(const std::string& path, const std::vector<SpecOverride>& overrides) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) {
    text << in.rdbuf();
  }
  if (!in || text.str().empty()) {
    throw Error(ErrorCode::io,
                "cannot read the spec " + path + "; check the path (examples are in models/specs)");
  }
  return parse_run_spec(text.str(), path, overrides);
}

}  // namespace accrete::models
