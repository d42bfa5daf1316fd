// SPDX-License-Identifier: Apache-2.0
#include "model_builder.h"

#include <algorithm>
#include <string>

#include "accrete/kernels/error.h"

namespace accrete::apps {
namespace {

std::int64_t limited(std::int64_t count, std::int64_t limit) {
  return limit > 0 ? std::min(count, limit) : count;
}

// A full batch if there are enough images for one, and the rest.
std::vector<std::int64_t> batch_sizes(std::int64_t images, std::int64_t batch) {
  std::vector<std::int64_t> sizes;
  if (images >= batch) {
    sizes.push_back(batch);
  }
  if (images % batch != 0) {
    sizes.push_back(images % batch);
  }
  return sizes;
}

}  // namespace

DataShape expected_data_shape(const models::DataSpec& data, const data::TrainTestExtents& files) {
  DataShape shape{files.train.height, files.train.width, 1, files.train.num_images,
                  files.test.num_images};
  if (data.dataset == models::DatasetKind::synthetic) {
    shape = {data.synthetic_size, data.synthetic_size, data.synthetic_channels,
             data.synthetic_train, data.synthetic_test};
  }
  if (data.image_size > 0) {
    shape.height = shape.width = data.image_size;
  }
  shape.train_images = limited(shape.train_images, data.train_limit);
  shape.test_images = limited(shape.test_images, data.test_limit);
  return shape;
}

DType image_dtype(const models::RunSpec& spec) {
  return spec.training.precision == models::Precision::bf16 ? DType::bf16 : DType::f32;
}

ModelBuilder model_builder(const models::RunSpec& spec, const DataShape& shape) {
  const models::ImageBatch images{1, shape.height, shape.width, shape.channels, image_dtype(spec)};
  return [net = spec.model, images, statistics = spec.training.batch_norm_statistics](
             std::int64_t batch, bool training) {
    models::ImageBatch wanted = images;
    wanted.batch = batch;
    return models::build_model(net, wanted, training, statistics);
  };
}

void check_model(const models::RunSpec& spec) {
  DataShape shape = expected_data_shape(spec.data);
  if (spec.data.dataset == models::DatasetKind::fashion_mnist && spec.data.image_size == 0) {
    shape.height = shape.width = models::minimum_image_size(spec.model);  // files will tell
  }
  model_builder(spec, shape)(1, false);
}

SessionOptions session_options(const models::RunSpec& spec, const DataShape& shape,
                               const PassSwitches& passes) {
  SessionOptions options;
  options.train_batches = batch_sizes(shape.train_images, spec.training.batch_size);
  options.eval_batches = batch_sizes(shape.test_images, spec.training.eval_batch_size);
  options.optimizer = spec.training.optimizer;
  options.passes = passes;
  options.seed = spec.training.seed;
  options.recompute = static_cast<int>(spec.memory.recompute);
  options.float_math =
      spec.training.precision == models::Precision::tf32 ? FloatMath::tf32 : FloatMath::strict;
  return options;
}

SessionPlan plan_run(const models::RunSpec& spec, const ModelBuilder& builder,
                     const SessionOptions& options) {
  if (spec.memory.budget_bytes > 0) {
    return plan_session_within(builder, options, spec.memory.budget_bytes);
  }
  return plan_session(builder, options);
}

void check_expected_params(const models::ModelSpec& model, std::int64_t num_parameters) {
  if (model.expect_params != 0 && model.expect_params != num_parameters) {
    throw Error(ErrorCode::spec, "/model/expect_params is " + std::to_string(model.expect_params) +
                                     ", but the model described has " +
                                     std::to_string(num_parameters) +
                                     " parameters; correct one of the two");
  }
}

}  // namespace accrete::apps
