// SPDX-License-Identifier: Apache-2.0
#include "fuzz/tiny_run.h"

#include "run_setup.h"

namespace accrete::fuzz {
namespace {

constexpr const char* kSpec = R"({
  "model": {"blocks": [1], "growth_rate": 1, "bottleneck_width": 0, "num_classes": 2,
            "stem": {"channels": 1, "kernel": 1, "stride": 1, "max_pool": false}},
  "data": {"dataset": "synthetic", "synthetic":
           {"image_size": 2, "channels": 1, "train_images": 4, "test_images": 2}},
  "training": {"batch_size": 2, "optimizer": {"momentum": 0.5}}
})";

}  // namespace

TinyRun::TinyRun() : runtime(make_cpu_runtime(pool)) {
  const models::RunSpec spec = models::parse_run_spec(kSpec, "tiny");
  const apps::DataShape shape = apps::expected_data_shape(spec);
  const SessionOptions options = apps::session_options(spec, shape, {});
  session = std::make_unique<TrainingSession>(
      apps::plan_run(spec, apps::model_builder(spec, shape), options), options, *runtime);
}

}  // namespace accrete::fuzz
