// SPDX-License-Identifier: Apache-2.0
// RunSpec -> JSON text with every default written out, and its fingerprint.
#include <nlohmann/json.hpp>

#include "accrete/models/run_spec.h"
#include "model_json.h"
#include "spec_names.h"

namespace accrete::models {
namespace {

using Json = nlohmann::ordered_json;

Json data_json(const DataSpec& data) {
  Json json = {{"dataset", name_of(kDatasetNames, data.dataset)},
               {"path", data.path},
               {"image_size", data.image_size},
               {"mean", data.mean},
               {"std", data.std},
               {"train_limit", data.train_limit},
               {"test_limit", data.test_limit}};
  json["augmentation"] = {{"crop_padding", data.crop_padding},
                          {"horizontal_flip", data.horizontal_flip}};
  json["synthetic"] = {{"image_size", data.synthetic_size},
                       {"channels", data.synthetic_channels},
                       {"train_images", data.synthetic_train},
                       {"test_images", data.synthetic_test}};
  return json;
}

Json optimizer_json(const OptimizerOptions& optimizer) {
  Json json = {
      {"type", name_of(kOptimizerNames, optimizer.kind)},
      {"learning_rate", optimizer.learning_rate},
      {"weight_decay", optimizer.weight_decay},
      {"weight_decay_scope", name_of(kWeightDecayScopeNames, optimizer.weight_decay_scope)}};
  if (optimizer.kind == OptimizerKind::sgd) {
    json.update({{"momentum", optimizer.momentum}, {"nesterov", optimizer.nesterov}});
  } else {
    json.update({{"beta1", optimizer.beta1},
                 {"beta2", optimizer.beta2},
                 {"epsilon", optimizer.epsilon},
                 {"decoupled_weight_decay", optimizer.decoupled_weight_decay}});
  }
  return json;
}

Json schedule_json(const TrainingSpec& training) {
  const Schedule& schedule = training.schedule;
  Json json = {{"type", name_of(kScheduleNames, schedule.kind)}};
  if (schedule.kind == ScheduleKind::one_cycle) {
    json.update({{"warmup_fraction", schedule.warmup_fraction},
                 {"div_factor", schedule.div_factor},
                 {"final_div_factor", schedule.final_div_factor}});
    return json;
  }
  json["warmup_epochs"] = training.warmup_epochs;
  if (schedule.kind == ScheduleKind::step) {
    json.update({{"milestones", schedule.milestones}, {"gamma", schedule.gamma}});
  } else if (schedule.kind == ScheduleKind::cosine) {
    json["final_fraction"] = schedule.final_fraction;
  }
  return json;
}

Json training_json(const TrainingSpec& training) {
  Json json = {{"epochs", training.epochs},
               {"batch_size", training.batch_size},
               {"eval_batch_size", training.eval_batch_size},
               {"seed", training.seed},
               {"precision", name_of(kPrecisionNames, training.precision)},
               {"freeze_batch_norm_statistics",
                training.batch_norm_statistics == BatchNormStatistics::running}};
  json["optimizer"] = optimizer_json(training.optimizer);
  json["schedule"] = schedule_json(training);
  return json;
}

}  // namespace

std::string resolved_spec(const RunSpec& spec) {
  Json json = {{"name", spec.name}};
  json["model"] = model_json(spec.model);
  json["data"] = data_json(spec.data);
  json["training"] = training_json(spec.training);
  if (spec.memory.budget_bytes > 0) {
    json["memory"] = {{"budget", std::to_string(spec.memory.budget_bytes / 1024) + "KiB"}};
  } else {
    json["memory"] = {{"recompute", spec.memory.recompute}};
  }
  json["checkpoint"] = {{"every_epochs", spec.checkpoint.every_epochs},
                        {"keep", spec.checkpoint.keep},
                        {"best", name_of(spec.checkpoint.best)}};
  return json.dump(2) + "\n";
}

const std::string& name_of(Metric metric) {
  return name_of(kMetricNames, metric);
}

std::string spec_fingerprint(const RunSpec& spec) {
  Json json = {{"model", model_json(spec.model)},
               {"data", data_json(spec.data)},
               {"training", training_json(spec.training)}};
  json["model"].erase("expect_params");       // is only compared with
  json["data"].erase("path");                 // the same images may lie elsewhere
  json["training"].erase("eval_batch_size");  // does not touch what is learned
  if (spec.training.schedule.kind == ScheduleKind::constant) {
    json["training"].erase("epochs");  // no step depends on how many follow: runs may be extended
  }
  return json.dump();
}

}  // namespace accrete::models
