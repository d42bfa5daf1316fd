// SPDX-License-Identifier: Apache-2.0
// From a spec and the shape of its images to what the engine needs.
#pragma once

#include <cstdint>

#include "accrete/data/fashion_mnist.h"
#include "accrete/engine/training_session.h"
#include "accrete/models/run_spec.h"

namespace accrete::apps {

/// Height, width and channels of the images as the net sees them, and how many there are.
struct DataShape {
  std::int64_t height = 0, width = 0, channels = 0;
  std::int64_t train_images = 0, test_images = 0;
};

/// What the net will see of the spec's data set. Fashion-MNIST is as in `files`, by default as
/// published.
DataShape expected_data_shape(const models::DataSpec& data,
                              const data::TrainTestExtents& files = {});

/// The type of the images and with them of every activation.
DType image_dtype(const models::RunSpec& spec);

/// Builder of the spec's model for these images. `spec` is copied.
ModelBuilder model_builder(const models::RunSpec& spec, const DataShape& shape);

/// Error(spec) if the spec describes no net that can be built, before anything of its data is
/// known.
void check_model(const models::RunSpec& spec);

/// Batch sizes of the run: full batches and the smaller last ones.
SessionOptions session_options(const models::RunSpec& spec, const DataShape& shape,
                               const PassSwitches& passes);

/// The plan of the run, with the recompute level that the spec asks for or that its budget needs.
SessionPlan plan_run(const models::RunSpec& spec, const ModelBuilder& builder,
                     const SessionOptions& options);

/// Error(spec) naming /model/expect_params if the model has another number of parameters.
void check_expected_params(const models::ModelSpec& model, std::int64_t num_parameters);

}  // namespace accrete::apps
