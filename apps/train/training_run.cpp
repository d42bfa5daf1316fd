// SPDX-License-Identifier: Apache-2.0
#include "training_run.h"

#include <cstdio>

#include "batch_source.h"
#include "dataset_source.h"
#include "device_choice.h"
#include "interrupt.h"
#include "model_builder.h"
#include "run_folder.h"

namespace accrete::apps {
namespace {

DataShape shape_of(const data::TrainTest& sets, const models::DataSpec& data) {
  DataShape shape{sets.train.height, sets.train.width, sets.train.channels, sets.train.num_images,
                  sets.test.num_images};
  if (data.image_size > 0) {
    shape.height = shape.width = data.image_size;
  }
  return shape;
}

}  // namespace

LoopInputs prepare_run(const TrainOptions& options, const Device& device) {
  models::RunSpec spec = models::load_run_spec(options.spec_path, options.overrides);
  check_model(spec);  // an impossible spec or output fails before data are read
  if (!options.output.empty()) {
    check_output(options.output, options.overwrite || !options.resume.empty());
  }
  data::TrainTest sets = load_dataset(spec, [&](const std::string& message) {
    if (!options.quiet) {
      std::printf("%s\n", message.c_str());
    }
  });
  const DataShape shape = shape_of(sets, spec.data);
  LoopInputs inputs{options, std::move(spec), std::move(sets), {}, {}};
  inputs.session = session_options(inputs.spec, shape, options.passes);
  inputs.session.device = device;
  inputs.session.bytes_beside_per_image =
      batch_bytes_per_image(device, inputs.sets.train, shape, image_dtype(inputs.spec));
  inputs.plan = plan_run(inputs.spec, model_builder(inputs.spec, shape), inputs.session);
  check_expected_params(inputs.spec.model, inputs.plan.store.num_parameters());
  return inputs;
}

int run_training(const TrainOptions& options) {
  const DeviceChoice choice = choose_device(options.device);
  if (!choice.note.empty() && !options.quiet) {
    std::printf("%s\n", choice.note.c_str());
  }
  LoopInputs inputs = prepare_run(options, choice.device);
  ThreadPool pool(options.threads > 0 ? options.threads : available_threads());
  const auto runtime = make_runtime(choice.device, pool);
  install_interrupt_handlers();
  return run_training_loop(std::move(inputs), *runtime);
}

}  // namespace accrete::apps
