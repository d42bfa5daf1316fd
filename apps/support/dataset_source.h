// SPDX-License-Identifier: Apache-2.0
// From the data section of a spec to images in memory.
#pragma once

#include <functional>
#include <string>

#include "accrete/data/dataset.h"
#include "accrete/models/run_spec.h"
#include "model_builder.h"

namespace accrete::apps {

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
