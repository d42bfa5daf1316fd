// SPDX-License-Identifier: Apache-2.0
#include "loader_options.h"

namespace accrete::apps {

data::LoaderOptions loader_options(const models::RunSpec& spec, Purpose purpose) {
  const bool training = purpose == Purpose::training;
  data::LoaderOptions options;
  options.batch_size = training ? spec.training.batch_size : spec.training.eval_batch_size;
  options.image_size = spec.data.image_size;
  options.mean = spec.data.mean;
  options.std = spec.data.std;
  options.shuffle = training;
  if (training) {
    options.augmentation = {spec.data.crop_padding, spec.data.horizontal_flip};
  }
  options.seed = spec.training.seed;
  return options;
}

}  // namespace accrete::apps
