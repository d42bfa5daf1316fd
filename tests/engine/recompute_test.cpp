// SPDX-License-Identifier: Apache-2.0
// Computing forward values again in the backward pass: the same bits, less memory.
#include "accrete/engine/op.h"
#include "accrete/kernels/error.h"
#include "engine/tiny_models.h"
#include "support/catch.h"
#include "support/compare.h"

namespace accrete::test {
namespace {

constexpr std::int64_t kBatch = 4;

TinyDenseNet deep_net() {
  TinyDenseNet net;
  net.layers = 6;
  net.bottleneck = true;
  return net;
}

SessionOptions options_for(int recompute) {
  SessionOptions options;
  options.train_batches = options.eval_batches = {kBatch};
  options.recompute = recompute;
  options.seed = 17;
  return options;
}

std::vector<float> trained(const TinyDenseNet& net, int recompute) {
  TinySession tiny(tiny_densenet(net), kBatch, options_for(recompute));
  for (std::int64_t step = 0; step < 3; ++step) {
    tiny.step(0.1, step);
  }
  CHECK(tiny.session.peak_bytes() == tiny.session.planned_bytes());
  return tiny.stored_values();
}

// Nodes of the step that compute something again.
int repeated_nodes(const TinyDenseNet& net, int recompute) {
  const StepPlan plan = plan_step(build_tiny_densenet(net, kBatch, true), true, {}, {}, recompute);
  int count = 0;
  for (NodeId id = 0; id < plan.model.graph.num_nodes(); ++id) {
    const std::string& name = plan.model.graph.node(id).name;
    count += name.size() > 6 && name.substr(name.size() - 6) == ".again" ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("all recompute levels learn the same bits") {
  TinyDenseNet dropout = deep_net();
  dropout.dropout = 0.2F;
  TinyDenseNet list = deep_net();
  list.style = ConcatStyle::list;
  for (const TinyDenseNet& net : {deep_net(), dropout, list, TinyDenseNet{}}) {
    const std::vector<float> kept = trained(net, 0);
    CHECK(exact_difference(trained(net, 1), kept) == "");
    CHECK(exact_difference(trained(net, 2), kept) == "");
  }
}

TEST_CASE("each level repeats what it says and plans less for activations") {
  CHECK(repeated_nodes(deep_net(), 0) == 0);
  CHECK(repeated_nodes(deep_net(), 1) == 6);  // the bottlenecks
  CHECK(repeated_nodes(deep_net(), 2) > 12);
  const auto bytes = [](int level) {
    return plan_session(tiny_densenet(deep_net()), options_for(level)).total_bytes();
  };
  CHECK(bytes(1) < bytes(0));
  CHECK(bytes(2) <= bytes(1));
}

TEST_CASE("a budget chooses the lowest level that fits") {
  const auto bytes = [](int level) {
    return plan_session(tiny_densenet(deep_net()), options_for(level)).total_bytes();
  };
  const auto level_within = [](std::int64_t budget) {
    return plan_session_within(tiny_densenet(deep_net()), options_for(0), budget).recompute;
  };
  CHECK(level_within(bytes(0)) == 0);
  CHECK(level_within(bytes(0) - 1) == 1);
  CHECK_THROWS_WITH(level_within(1000), Catch::Matchers::Contains("recompute levels 0, 1 and 2"));
}

}  // namespace accrete::test
