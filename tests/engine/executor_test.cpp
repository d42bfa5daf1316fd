// SPDX-License-Identifier: Apache-2.0
// A planned step: no allocation while it runs, the planned peak is the peak, the number of threads
// changes nothing.
#include "accrete/engine/executor.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "engine/tiny_models.h"
#include "support/allocations.h"
#include "support/catch.h"
#include "support/compare.h"

namespace accrete::test {

TEST_CASE("a step allocates nothing") {
  if (!knows_allocations()) {
    return;
  }
  TinyDenseNet net;
  net.bottleneck = true;
  net.dropout = 0.2F;
  for (const int threads : {1, 2}) {
    TinySession tiny(tiny_densenet(net), 6, {}, threads);
    tiny.step(0.1, 0);
    const std::int64_t before = count_allocations();
    tiny.step(0.1, 1);
    std::memset(tiny.session.eval_labels(6).data, 0, 6 * sizeof(std::int32_t));
    tiny.session.eval_step(6);
    CHECK(count_allocations() == before);
  }
}

TEST_CASE("the peak of a run is the planned peak") {
  for (const bool bottleneck : {false, true}) {
    TinyDenseNet net;
    net.bottleneck = bottleneck;
    TinySession tiny(tiny_densenet(net), 6);
    CHECK(tiny.session.peak_bytes() < tiny.session.planned_bytes());
    tiny.step(0.1, 0);
    CHECK(tiny.session.peak_bytes() == tiny.session.planned_bytes());
  }
}

TEST_CASE("concats and slices of a dense block are no calls") {
  const auto plan = std::make_shared<const StepPlan>(
      plan_step(build_tiny_densenet({}, 3, true), true, {}, Device{}));
  ParameterStore store(plan->model.graph);
  std::vector<float> memory(static_cast<std::size_t>(store.bytes() / 4));
  store.bind(reinterpret_cast<std::byte*>(memory.data()), Device{});
  ThreadPool pool(1);
  const auto runtime = make_cpu_runtime(pool);
  const Arena arena(*runtime, plan->memory.peak_bytes);
  const Executor executor(plan, store, arena.at(0));
  // Three concats forward, two slices each backward (nothing needs the gradient of the images).
  std::int32_t placed = 0;
  const Graph& graph = plan->model.graph;
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const std::string name = graph.node(id).op_name();
    placed += name == "concat" || name == "channel_slice" ? 1 : 0;
  }
  CHECK(placed > 9);  // of features and of their statistics
  CHECK(executor.num_calls() == graph.num_nodes() - placed);
}

TEST_CASE("one and two threads give the same bits") {
  TinyDenseNet net;
  net.bottleneck = true;
  net.dropout = 0.2F;
  net.size = 14;
  OptimizerOptions optimizer;
  optimizer.momentum = 0.9;
  optimizer.nesterov = true;
  optimizer.weight_decay = 1e-4;
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    TinySession tiny(tiny_densenet(net), 33, {}, threads, optimizer);
    for (std::int64_t step = 0; step < 4; ++step) {
      tiny.step(0.05, step);
    }
    results.push_back(tiny.stored_values());
  }
  CHECK(exact_difference(results[1], results[0]).empty());
  CHECK(exact_difference(results[2], results[0]).empty());
}

TEST_CASE("training lowers the loss with every optimizer") {
  OptimizerOptions sgd;
  OptimizerOptions nesterov;
  nesterov.momentum = 0.9;
  nesterov.nesterov = true;
  OptimizerOptions adam;
  adam.kind = OptimizerKind::adam;
  for (const auto& [optimizer, rate] :
       {std::pair{sgd, 0.1}, std::pair{nesterov, 0.02}, std::pair{adam, 0.003}}) {
    TinySession tiny(tiny_densenet({}), 16, {}, 2, optimizer);
    const double first = tiny.step(rate, 0).loss;
    double last = first;
    for (std::int64_t step = 1; step < 40; ++step) {
      last = tiny.step(rate, step).loss;
    }
    CHECK(last < 0.5 * first);
  }
}

TEST_CASE("a step whose loss is not finite leaves the weights alone") {
  TinySession tiny(tiny_densenet({}), 4);
  tiny.step(0.1, 0);
  const StoredTensor* bias = tiny.session.parameters().find("classifier.bias");
  REQUIRE(bias != nullptr);
  bias->view.f32()[0] = std::numeric_limits<float>::quiet_NaN();
  const StoredTensor* weight = tiny.session.parameters().find("stem.weight");
  const std::vector<float> before(weight->view.f32(),
                                  weight->view.f32() + weight->shape.elements());
  const StepResult result = tiny.step(0.1, 1);
  CHECK(std::isnan(result.loss));
  const std::vector<float> after(weight->view.f32(), weight->view.f32() + weight->shape.elements());
  CHECK(exact_difference(after, before).empty());
}

TEST_CASE("a batch size nobody planned for is refused") {
  TinySession tiny(tiny_densenet({}), 4);
  CHECK_THROWS_WITH(tiny.session.train_step(5, 0.1, 0), Catch::Matchers::Contains("batch of 5"));
}

}  // namespace accrete::test
