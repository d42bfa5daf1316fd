// SPDX-License-Identifier: Apache-2.0
// Training with running statistics that stay as they are (fine-tuning): what the passes make of it,
// that it is the same training with and without them, and that nothing touches the statistics.
#include <set>

#include "accrete/engine/op.h"
#include "accrete/engine/passes.h"
#include "engine/tiny_models.h"
#include "support/catch.h"
#include "support/compare.h"

namespace accrete::test {
namespace {

constexpr std::int64_t kBatch = 4;

TinyDenseNet frozen_net(bool bottleneck) {
  TinyDenseNet net;
  net.frozen = true;
  net.bottleneck = bottleneck;
  return net;
}

std::vector<ModelBuilder> frozen_builders() {
  TinyDenseNet list = frozen_net(true);
  list.style = ConcatStyle::list;
  TinyDenseNet dropout = frozen_net(false);
  dropout.dropout = 0.2F;
  return {tiny_densenet(frozen_net(false)),
          tiny_densenet(frozen_net(true)),
          tiny_densenet(list),
          tiny_densenet(dropout),
          build_frozen_tiny_resnet,
          build_frozen_tiny_basic_blocks};
}

PassSwitches without(const std::set<std::string>& disabled) {
  PassSwitches switches;
  for (const std::string& name : disabled) {
    switches.disable(name);
  }
  return switches;
}

PassSwitches no_passes() {
  PassSwitches switches;
  switches.disable_all();
  return switches;
}

std::vector<float> trained(TinySession& tiny) {
  tiny.randomise_running_statistics();
  for (std::int64_t step = 0; step < 3; ++step) {
    tiny.step(0.1, step);
  }
  return tiny.stored_values();
}

std::vector<float> trained(const ModelBuilder& builder, const PassSwitches& passes) {
  TinySession tiny(builder, kBatch, passes);
  return trained(tiny);
}

std::multiset<std::string> op_names(const StepPlan& plan) {
  std::multiset<std::string> names;
  for (NodeId id = 0; id < plan.model.graph.num_nodes(); ++id) {
    names.insert(plan.model.graph.node(id).op_name());
  }
  return names;
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a frozen step takes no statistics and defers nothing") {
  for (const ModelBuilder& builder : frozen_builders()) {
    for (const std::string& name : op_names(plan_step(builder(kBatch, true), true, {}, Device{}))) {
      INFO(name);
      CHECK(!contains(name, "statistics"));
      CHECK(!contains(name, "deferred"));
      CHECK(!contains(name, "batch_norm_training"));
    }
  }
}

TEST_CASE("in a frozen DenseNet every norm is applied on load and every mask on store") {
  const StepPlan plan =
      plan_step(build_tiny_densenet(frozen_net(true), kBatch, true), true, {}, Device{});
  for (const PassReport& report : plan.passes) {
    CHECK(report.notes.empty());
  }
  const auto names = op_names(plan);
  CHECK(names.count("norm_relu") == 0);
  CHECK(names.count("norm_relu_backward") == 0);
  CHECK(names.count("norm_relu+conv_forward") == 6);  // two per layer
  CHECK(names.count("conv_dgrad+norm_relu") == 6);
  CHECK(names.count("norm_relu+average_pool_forward") == 1);
  CHECK(names.count("average_pool_backward+norm_relu") == 1);
}

TEST_CASE("no combination of passes changes what a frozen net learns") {
  const std::vector<PassSwitches> combinations = {
      no_passes(), without({"statistics-once"}), without({"normalise-on-load", "placement"}),
      without({"deferred-gradient", "in-place"}),
      without({"pool-first", "statistics-in-epilogue"})};
  for (const ModelBuilder& builder : frozen_builders()) {
    const std::vector<float> fused = trained(builder, {});
    for (const PassSwitches& passes : combinations) {
      const std::vector<float> other = trained(builder, passes);
      CHECK(difference(fused, {other.begin(), other.end()}, {2e-6, 1e-4}) == "");
    }
  }
}

TEST_CASE("training leaves frozen statistics as they are, bit for bit") {
  for (const ModelBuilder& builder : frozen_builders()) {
    for (const PassSwitches& passes : {PassSwitches(), no_passes()}) {
      TinySession tiny(builder, kBatch, passes);
      tiny.randomise_running_statistics();
      const std::vector<float> before = tiny.running_statistics();
      const std::vector<float> weights_before = tiny.stored_values();
      const std::vector<float> learned = trained(tiny);
      CHECK(!before.empty());
      CHECK(exact_difference(tiny.running_statistics(), before) == "");
      CHECK(exact_difference(learned, weights_before) != "");
    }
  }
}

TEST_CASE("a frozen net has the same loss in training and in evaluation") {
  for (const PassSwitches& passes : {PassSwitches(), no_passes()}) {
    TinySession tiny(tiny_densenet(frozen_net(true)), kBatch, passes);
    tiny.randomise_running_statistics();
    const StepResult training = tiny.step(0.0, 0);
    tiny.fill_eval_inputs();
    const StepResult evaluation = tiny.session.eval_step(kBatch);
    CHECK(evaluation.loss == training.loss);
    CHECK(evaluation.correct == training.correct);
  }
}

TEST_CASE("a frozen dense block copies nothing") {
  TinySession tiny(tiny_densenet(frozen_net(true)), kBatch);
  tiny.step(0.1, 0);
  CHECK(tiny.session.bytes_copied() == 0);
  CHECK(tiny.session.peak_bytes() == tiny.session.planned_bytes());
}

TEST_CASE("all recompute levels of a frozen net learn the same bits") {
  for (const ModelBuilder& builder :
       {tiny_densenet(frozen_net(true)), tiny_densenet(frozen_net(false))}) {
    std::vector<std::vector<float>> learned;
    for (int level = 0; level < kRecomputeLevels; ++level) {
      SessionOptions options;
      options.train_batches = options.eval_batches = {kBatch};
      options.recompute = level;
      options.seed = 17;
      TinySession tiny(builder, kBatch, options);
      learned.push_back(trained(tiny));
    }
    CHECK(exact_difference(learned[1], learned[0]) == "");
    CHECK(exact_difference(learned[2], learned[0]) == "");
  }
}

}  // namespace accrete::test
