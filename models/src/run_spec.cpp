// SPDX-License-Identifier: Apache-2.0
// JSON text -> RunSpec.
#include "accrete/models/run_spec.h"

#include <limits>

#include "accrete/engine/json_text.h"
#include "accrete/engine/step_plan.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/regular_file.h"
#include "byte_size.h"
#include "json_reader.h"
#include "model_json.h"
#include "spec_limits.h"
#include "spec_names.h"

namespace accrete::models {
namespace {

using Json = nlohmann::json;
constexpr std::int64_t kMany = 1'000'000'000;

void read_data(JsonReader reader, DataSpec& data) {
  reader.choice("dataset", kDatasetNames, data.dataset);
  reader.string("path", data.path);
  reader.integer("image_size", data.image_size, 0, kLargestImage);
  reader.numbers("mean", data.mean, -1e6, 1e6, kMostChannels);
  reader.numbers("std", data.std, 1e-6, 1e6, kMostChannels);
  JsonReader augmentation = reader.object("augmentation");
  augmentation.integer("crop_padding", data.crop_padding, 0, 1024);
  augmentation.boolean("horizontal_flip", data.horizontal_flip);
  augmentation.finish();
  reader.integer("train_limit", data.train_limit, 0, kMany);
  reader.integer("test_limit", data.test_limit, 0, kMany);
  JsonReader synthetic = reader.object("synthetic");
  synthetic.integer("image_size", data.synthetic_size, 1, kLargestImage);
  synthetic.integer("channels", data.synthetic_channels, 1, kMostChannels);
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
    reader.numbers("milestones", schedule.milestones, 0.0, 1.0, kMostMilestones);
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
    reader.fail("budget", "must be a size from 1KiB, such as \"4GiB\" or \"800MB\", found \"" +
                              excerpt(budget) + "\"");
  }
  if (reader.has("recompute")) {
    reader.fail("budget", "chooses the recompute level itself; give one of the two");
  }
  memory.budget_bytes = *bytes;
}

void read_checkpoint(JsonReader reader, CheckpointSpec& checkpoint) {
  reader.integer("every_epochs", checkpoint.every_epochs, 0, 1'000'000);
  reader.integer("keep", checkpoint.keep, 0, 1'000'000);
  reader.choice("best", kMetricNames, checkpoint.best);
  reader.finish();
}

// The name becomes part of a folder's name and is printed.
void read_name(JsonReader& reader, std::string& name) {
  reader.string("name", name);
  const bool usable = name.size() <= kMostNameBytes && name.find('/') == std::string::npos &&
                      !has_control_characters(name);
  if (!usable) {
    reader.fail("name", "must have " + std::to_string(kMostNameBytes) +
                            " bytes at most and neither '/' nor control characters, found \"" +
                            excerpt(name) + "\"");
  }
}

RunSpec read_root(JsonReader reader) {
  RunSpec spec;
  std::string schema;
  reader.string("$schema", schema);
  read_name(reader, spec.name);
  for (const char* key : {"model", "data", "training"}) {
    if (!reader.has(key)) {
      reader.fail(key, "is missing; a spec needs model, data and training");
    }
  }
  read_model(reader.object("model"), spec.model);
  read_data(reader.object("data"), spec.data);
  read_training(reader.object("training"), spec.training);
  read_memory(reader.object("memory"), spec.memory);
  read_checkpoint(reader.object("checkpoint"), spec.checkpoint);
  reader.finish();
  return spec;
}

constexpr JsonLimits kSpecLimits = {JsonLimits{}.bytes, JsonLimits{}.levels, true};

[[noreturn]] void fail(const std::string& where, const std::string& why) {
  throw Error(ErrorCode::spec, where + ": " + why);
}

Json parse_text(const std::string& text, const std::string& source) {
  if (const auto fault = find_json_fault(text, kSpecLimits)) {
    fail(source, fault->message);
  }
  return Json::parse(text, nullptr, true, kSpecLimits.comments);
}

// JSON, or a bare string: what is no JSON at all. JSON with another fault is no string.
Json override_value(const SpecOverride& override_, const std::string& where) {
  std::string text = override_.value;
  auto fault = find_json_fault(text);
  if (fault && fault->kind == JsonFaultKind::syntax) {
    text = json_quoted(text);
    fault = find_json_fault(text);
  }
  if (fault) {
    fail(where, "the value cannot be used: " + fault->message);
  }
  return Json::parse(text);
}

std::vector<std::string> key_parts(const std::string& key, const std::string& where) {
  if (const auto fault = find_json_fault(json_quoted(key))) {
    fail(where, "the key cannot be used: " + fault->message);
  }
  std::vector<std::string> parts(1);
  for (const char c : key) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
    if (parts.size() > kSpecLimits.levels) {
      fail(where, "the key has more than " + std::to_string(kSpecLimits.levels) + " parts");
    }
  }
  return parts;
}

// Keys of an override are separated by dots; objects on the way are created.
void apply_override(Json& root, const SpecOverride& override_) {
  const std::string where = "--set " + excerpt(override_.key);
  Json* at = &root;
  std::string walked;
  for (const std::string& part : key_parts(override_.key, where)) {
    if (!at->is_object() && !at->is_null()) {
      fail(where, "'" + excerpt(walked) + "' is a value, not an object with keys");
    }
    if (part.empty()) {
      fail(where, "a key before or after a dot is missing, as in training.epochs=3");
    }
    walked += walked.empty() ? part : "." + part;
    at = &(*at)[part];
  }
  *at = override_value(override_, where);
}

}  // namespace

SpecOverride parse_override(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    fail("--set " + excerpt(text), "expected KEY=VALUE, for example training.epochs=3");
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
  RegularFile file(path);
  if (file.bytes() > kSpecLimits.bytes) {
    fail(path, "has " + std::to_string(file.bytes()) + " bytes, a spec has at most " +
                   std::to_string(kSpecLimits.bytes));
  }
  return parse_run_spec(file.read_text(), path, overrides);
}

}  // namespace accrete::models
