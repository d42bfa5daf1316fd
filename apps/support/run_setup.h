// SPDX-License-Identifier: Apache-2.0
// From a spec to what the engine needs: images in memory and their shape, a builder of the model,
// the session's options and its plan.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "accrete/data/dataset.h"
#include "accrete/engine/training_session.h"
#include "accrete/models/run_spec.h"

namespace accrete::apps {

/// Height, width and channels of the images as the net sees them, and how many there are.
struct DataShape {
  std::int64_t height = 0, width = 0, channels = 0;
  std::int64_t train_images = 0, test_images = 0;
};

/// What the net sees of these sets.
DataShape data_shape(const models::DataSpec& data, data::DatasetShape train,
                     data::DatasetShape test);

/// What the net will see of the spec's data set, Fashion-MNIST as it was published.
DataShape expected_data_shape(const models::RunSpec& spec);

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

/// Loads the data set the spec names, with its limits applied. Errors as in data/; Error(data) if
/// training and test images differ in size and the spec does not resize them, or in channels or
/// classes; Error(spec) if the model has fewer classes than the set.
data::TrainTest load_dataset(const models::RunSpec& spec,
                             const std::function<void(const std::string&)>& report);

/// The data set the spec names, as far as it is known without reading it.
struct DatasetPreview {
  DataShape shape;
  std::string note;  ///< a sentence for the user where its files were not found, else empty
};
/// Looks at the headers of files, downloads nothing. Errors as of load_dataset, as far as headers
/// show them.
DatasetPreview preview_dataset(const models::RunSpec& spec);

}  // namespace accrete::apps
