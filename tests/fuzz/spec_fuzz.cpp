// SPDX-License-Identifier: Apache-2.0
// The text of a spec. What is accepted is written out in full, read again and now and then planned.
#include <functional>
#include <numeric>

#include "fuzz/fuzz_target.h"
#include "fuzz/spec_checks.h"
#include "run_setup.h"

namespace accrete::fuzz {
namespace {

constexpr std::int64_t kMostLayers = 200;

// A plan takes as long as ten texts are read: it is made for one in 16 of those that are accepted.
bool is_planned(const std::string& text) {
  return std::hash<std::string>()(text) % 16 == 0;
}

bool is_small(const models::ModelSpec& model) {
  const auto& layers =
      model.family == models::Family::resnet ? model.resnet.stages : model.densenet.blocks;
  return std::accumulate(layers.begin(), layers.end(), std::int64_t{0}) <= kMostLayers;
}

// What `inspect` does with a spec.
void check_plan(const models::RunSpec& spec) {
  const apps::DataShape shape = apps::expected_data_shape(spec);
  const ModelBuilder builder = apps::model_builder(spec, shape);
  const SessionPlan plan = apps::plan_run(spec, builder, apps::session_options(spec, shape, {}));
  require(plan.step_bytes > 0 && plan.total_bytes() > plan.step_bytes, "a plan without memory");
  require(spec.memory.budget_bytes == 0 || plan.total_bytes() <= spec.memory.budget_bytes,
          "a plan that is over its budget");
}

}  // namespace
}  // namespace accrete::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace accrete;
  models::RunSpec spec;
  const std::string text(fuzz::text_of(data, size));
  if (!fuzz::answers({ErrorCode::spec}, [&] { spec = models::parse_run_spec(text, "spec"); })) {
    return 0;
  }
  fuzz::check_resolved(spec);
  if (fuzz::is_planned(text) && fuzz::is_small(spec.model)) {
    fuzz::answers({ErrorCode::spec, ErrorCode::invalid_argument, ErrorCode::out_of_memory},
                  [&] { fuzz::check_plan(spec); });
  }
  return 0;
}
