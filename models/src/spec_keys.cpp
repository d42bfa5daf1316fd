// SPDX-License-Identifier: Apache-2.0
// The keys of a spec. A new one is a line here and a member of a struct; then
// `cmake --build build/release --target update_spec_reference` writes spec.schema.json and the
// tables of SPEC.md. The limits see to it that every spec that is accepted can be planned in
// seconds.
#include "spec_keys.h"

#include <array>
#include <charconv>
#include <cmath>

#include "accrete/engine/json_text.h"
#include "accrete/engine/step_plan.h"

namespace accrete::models {
namespace {

using Words = KeyVisitor::Words;

const Words kDatasets = {"fashion_mnist", "synthetic"};
const Words kPrecisions = {"fp32", "tf32", "bf16"};
const Words kOptimizers = {"sgd", "adam"};
const Words kWeightDecayScopes = {"all", "weights"};
const Words kSchedules = {"constant", "step", "cosine", "one_cycle"};
const Words kMetrics = {"none", "train_loss", "train_acc", "test_loss", "test_acc"};

constexpr std::int64_t kMany = 1'000'000'000;
constexpr std::int64_t kLargestImage = 16384;  // pixels of a side
constexpr std::int64_t kMostChannels = 4096;   // of images
constexpr std::size_t kMostNameBytes = 100;

void visit_augmentation(KeyVisitor& keys, DataSpec& data) {
  keys.integer("crop_padding", data.crop_padding, {0, 1024},
               "shifted by up to this many pixels in each direction; what comes in is the mean");
  keys.boolean("horizontal_flip", data.horizontal_flip, "mirrored with probability 1/2");
}

void visit_synthetic(KeyVisitor& keys, DataSpec& data) {
  keys.integer("image_size", data.synthetic_size, {1, kLargestImage}, "height and width in pixels");
  keys.integer("channels", data.synthetic_channels, {1, kMostChannels}, "of an image");
  keys.integer("train_images", data.synthetic_train, {1, kMany}, "training images");
  keys.integer("test_images", data.synthetic_test, {1, kMany}, "test images");
}

void visit_data(KeyVisitor& keys, DataSpec& data) {
  keys.choice("dataset", data.dataset, kDatasets, "which images");
  keys.string("path", data.path, {},
              "folder of the files; empty: `ACCRETE_DATA`, then "
              "`/usr/share/datasets/fashion-mnist`, then `runs/cache`, then a download");
  keys.integer("image_size", data.image_size, {0, kLargestImage},
               "resize to a square of so many pixels (bilinear); 0: as they are");
  keys.numbers("mean", data.mean, {{-1e6, 1e6}, kMostChannels},
               "one per channel, subtracted from pixels in [0,1]; empty: 0");
  keys.numbers("std", data.std, {{1e-6, 1e6}, kMostChannels},
               "one per channel, divides them then; empty: 1");
  keys.integer("train_limit", data.train_limit, {0, kMany},
               "use only so many of the first training images; 0: all");
  keys.integer("test_limit", data.test_limit, {0, kMany},
               "use only so many of the first test images; 0: all");
  keys.object("augmentation",
              "random changes of the training images, a function of seed, epoch and image",
              [&] { visit_augmentation(keys, data); });
  keys.object("synthetic", "shape of generated images", [&] { visit_synthetic(keys, data); });
}

void visit_sgd(KeyVisitor& keys, OptimizerOptions& optimizer) {
  keys.number("momentum", optimizer.momentum, {0.0, 0.9999}, "share of the last update");
  keys.boolean("nesterov", optimizer.nesterov, "looks ahead, with a momentum above 0");
  keys.require("nesterov", !optimizer.nesterov || optimizer.momentum > 0.0,
               "needs a momentum above 0");
}

void visit_adam(KeyVisitor& keys, OptimizerOptions& optimizer) {
  keys.number("beta1", optimizer.beta1, {0.0, 0.999999}, "decay of the first moment");
  keys.number("beta2", optimizer.beta2, {0.0, 0.999999}, "decay of the second moment");
  keys.number("epsilon", optimizer.epsilon, {1e-16, 1.0}, "added to the root of the second moment");
  keys.boolean("decoupled_weight_decay", optimizer.decoupled_weight_decay,
               "weights shrink by rate x decay (AdamW)");
}

void visit_optimizer(KeyVisitor& keys, OptimizerOptions& optimizer) {
  keys.choice("type", optimizer.kind, kOptimizers, "update rule");
  keys.number("learning_rate", optimizer.learning_rate, {0.0, 1e6}, "highest rate of the schedule");
  keys.number("weight_decay", optimizer.weight_decay, {0.0, 1e3},
              "added to the gradient as decay x weight");
  keys.choice("weight_decay_scope", optimizer.weight_decay_scope, kWeightDecayScopes,
              "what decays; `weights`: neither biases nor batch norm");
  const bool adam = optimizer.kind == OptimizerKind::adam;
  keys.only("sgd", !adam, [&] { visit_sgd(keys, optimizer); });
  keys.only("adam", adam, [&] { visit_adam(keys, optimizer); });
}

void visit_one_cycle(KeyVisitor& keys, Schedule& schedule) {
  keys.number("warmup_fraction", schedule.warmup_fraction, {0.0, 1.0},
              "share of the steps that rise");
  keys.number("div_factor", schedule.div_factor, {1.0, 1e9}, "starts at rate / div_factor");
  keys.number("final_div_factor", schedule.final_div_factor, {1.0, 1e12},
              "ends at start / final_div_factor");
}

void visit_steps(KeyVisitor& keys, Schedule& schedule) {
  keys.numbers("milestones", schedule.milestones, {{0.0, 1.0}, 1000},
               "fractions of the training at which the rate is multiplied by `gamma`");
  keys.number("gamma", schedule.gamma, {0.0, 1.0}, "factor at each milestone");
}

void visit_schedule(KeyVisitor& keys, TrainingSpec& training) {
  Schedule& schedule = training.schedule;
  keys.choice("type", schedule.kind, kSchedules, "learning rate over time");
  keys.only("one_cycle", schedule.kind == ScheduleKind::one_cycle,
            [&] { visit_one_cycle(keys, schedule); });
  keys.only("not one_cycle", schedule.kind != ScheduleKind::one_cycle, [&] {
    keys.number("warmup_epochs", training.warmup_epochs, {0.0, 1e6},
                "epochs of a linear ramp at the start");
  });
  keys.only("step", schedule.kind == ScheduleKind::step, [&] { visit_steps(keys, schedule); });
  keys.only("cosine", schedule.kind == ScheduleKind::cosine, [&] {
    keys.number("final_fraction", schedule.final_fraction, {0.0, 1.0},
                "ends at this share of the rate");
  });
}

void visit_training(KeyVisitor& keys, TrainingSpec& training) {
  keys.integer("epochs", training.epochs, {1, 1'000'000}, "passes over the training images");
  keys.integer("batch_size", training.batch_size, {1, 1'000'000},
               "images of a step; the last batch of an epoch may be smaller");
  keys.integer("eval_batch_size", training.eval_batch_size, {1, 1'000'000},
               "images that are tested at once");
  auto seed = static_cast<std::int64_t>(training.seed);
  keys.integer("seed", seed, {0, kAny}, "of weights, order of the images and dropout");
  training.seed = static_cast<std::uint64_t>(seed);
  keys.choice("precision", training.precision, kPrecisions,
              "of activations and products, see below");
  bool frozen = training.batch_norm_statistics == BatchNormStatistics::running;
  keys.boolean(
      "freeze_batch_norm_statistics", frozen,
      "batch norm normalises with its running statistics, which stay as they are, see below");
  training.batch_norm_statistics =
      frozen ? BatchNormStatistics::running : BatchNormStatistics::batch;
  keys.object("optimizer", "see below", [&] { visit_optimizer(keys, training.optimizer); });
  keys.object("schedule", "see below", [&] { visit_schedule(keys, training); });
}

void visit_memory(KeyVisitor& keys, MemorySpec& memory) {
  bool level_given = false;
  keys.only("", memory.budget_bytes == 0, [&] {
    level_given = keys.integer(
        "recompute", memory.recompute, {0, kRecomputeLevels - 1},
        "0: everything the backward pass needs is kept; 1: outputs of bottleneck convolutions are "
        "computed again, layer by layer; 2: also the features, block by block. A ResNet has "
        "neither");
  });
  std::string budget =
      memory.budget_bytes > 0 ? std::to_string(memory.budget_bytes / 1024) + "KiB" : "";
  const bool given = keys.string("budget", budget, {true},
                                 "the lowest level whose whole plan fits into so much, as "
                                 "`\"4GiB\"` or `\"800MB\"`; whole KiB, "
                                 "rounded down, from 1KiB; not together with `recompute`");
  if (!given || budget.empty()) {
    return;
  }
  const auto bytes = parse_byte_size(budget);
  keys.require(
      "budget", bytes.has_value(),
      "must be a size from 1KiB, such as \"4GiB\" or \"800MB\", found \"" + excerpt(budget) + "\"");
  keys.require("budget", !level_given, "chooses the recompute level itself; give one of the two");
  memory.budget_bytes = bytes.value_or(0);
}

void visit_checkpoint(KeyVisitor& keys, CheckpointSpec& checkpoint) {
  keys.integer("every_epochs", checkpoint.every_epochs, {0, 1'000'000},
               "save after so many epochs, and at the end; 0: only at the end");
  keys.integer("keep", checkpoint.keep, {0, 1'000'000},
               "older checkpoints kept beside the newest and the best one");
  keys.choice(
      "best", checkpoint.best, kMetrics,
      "the epoch that is best by this metric is kept as `checkpoints/best.safetensors`, the "
      "earliest of equals");
}

// The name becomes part of a folder's name and is printed.
void visit_name(KeyVisitor& keys, std::string& name) {
  const std::string limit = std::to_string(kMostNameBytes) + " bytes at most";
  keys.string(
      "name", name, {false, {}, kMostNameBytes, "^[^/\\u0000-\\u001f\\u007f-\\u009f]*$"},
      "names the run and its default folder; " + limit + ", without `/` and control characters");
  keys.require("name",
               name.size() <= kMostNameBytes && name.find('/') == std::string::npos &&
                   !has_control_characters(name),
               "must have " + limit + " and neither '/' nor control characters, found \"" +
                   excerpt(name) + "\"");
}

}  // namespace

const std::string& name_of(Metric metric) {
  return kMetrics[static_cast<std::size_t>(metric)];
}

void visit_keys(KeyVisitor& keys, RunSpec& spec) {
  std::string schema;
  keys.string("$schema", schema, {true}, "for editors; ignored");
  visit_name(keys, spec.name);
  keys.required({"model", "data", "training"});
  keys.object("model", "the network", [&] { visit_model(keys, spec.model); });
  keys.object("data", "the images", [&] { visit_data(keys, spec.data); });
  keys.object("training", "how it is trained", [&] { visit_training(keys, spec.training); });
  keys.object("memory", "what may be computed again to save memory",
              [&] { visit_memory(keys, spec.memory); });
  keys.object("checkpoint", "when the state is saved",
              [&] { visit_checkpoint(keys, spec.checkpoint); });
}

std::optional<std::int64_t> parse_byte_size(const std::string& text) {
  static constexpr std::array<const char*, 4> kPrefixes = {"K", "M", "G", "T"};
  double number = 0.0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, number);
  if (status != std::errc()) {
    return std::nullopt;
  }
  std::string unit(stop, end);
  unit.erase(0, unit.find_first_not_of(' '));
  for (std::size_t power = 0; power < kPrefixes.size(); ++power) {
    const std::string prefix = kPrefixes[power];
    for (const auto& [suffix, base] : {std::pair("B", 1000.0), std::pair("iB", 1024.0)}) {
      const double bytes = number * std::pow(base, static_cast<double>(power + 1));
      if (unit == prefix + suffix && bytes >= 1024.0 && bytes < 9e18) {
        return static_cast<std::int64_t>(bytes) / 1024 * 1024;
      }
    }
  }
  return std::nullopt;
}

}  // namespace accrete::models
