// SPDX-License-Identifier: Apache-2.0
#include "run_setup.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "accrete/data/fashion_mnist.h"
#include "accrete/data/synthetic.h"
#include "accrete/kernels/error.h"

namespace accrete::apps {
namespace {

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

data::FashionMnistSearch search_of(const models::DataSpec& data) {
  data::FashionMnistSearch search;
  search.folder = data.path;
  const char* environment = std::getenv("ACCRETE_DATA");
  search.environment = environment != nullptr ? environment : "";
  search.cache_folder = "runs/cache/fashion-mnist";
  search.names = [](const std::string&) { return "the spec (/data/path)"; };
  return search;
}

data::SyntheticOptions synthetic_of(const models::RunSpec& spec) {
  const models::DataSpec& data = spec.data;
  return {data.synthetic_size,
          data.synthetic_channels,
          models::network_of(spec.model).num_classes,
          data.synthetic_train,
          data.synthetic_test,
          spec.training.seed,
          [](const std::string& field) { return "/data/" + field; }};
}

data::TrainTest load_whole(const models::RunSpec& spec,
                           const std::function<void(const std::string&)>& report) {
  if (spec.data.dataset == models::DatasetKind::synthetic) {
    return data::make_synthetic(synthetic_of(spec));
  }
  data::FashionMnistSearch search = search_of(spec.data);
  search.report = report;
  return data::load_fashion_mnist(search);
}

std::string size_of(const data::DatasetShape& images) {
  return std::to_string(images.height) + "x" + std::to_string(images.width);
}

// A net is built for one size of images.
void check_sizes_agree(const data::DatasetShape& train, const std::string& train_source,
                       const data::DatasetShape& test, const std::string& test_source,
                       std::int64_t image_size) {
  if (image_size == 0 && (train.height != test.height || train.width != test.width)) {
    throw Error(ErrorCode::data, train_source + " has images of " + size_of(train) + " and " +
                                     test_source + " of " + size_of(test) +
                                     "; use files that fit each other, or set /data/image_size to "
                                     "resize both");
  }
}

void check_sets_agree(const data::TrainTest& sets, std::int64_t image_size) {
  const data::ImageDataset& train = sets.train;
  const data::ImageDataset& test = sets.test;
  check_sizes_agree(train, train.source, test, test.source, image_size);
  if (train.channels != test.channels || train.num_classes != test.num_classes) {
    throw Error(ErrorCode::data, train.source + " has images of " + std::to_string(train.channels) +
                                     " channels and " + std::to_string(train.num_classes) +
                                     " classes, " + test.source + " of " +
                                     std::to_string(test.channels) + " and " +
                                     std::to_string(test.num_classes));
  }
}

// As far as the spec alone says it: files will tell.
data::TrainTestShape expected_shape(const models::RunSpec& spec) {
  return spec.data.dataset == models::DatasetKind::synthetic
             ? data::synthetic_shape(synthetic_of(spec))
             : data::published_fashion_mnist();
}

// The key of a field of the model, or of its images.
std::string key_of(const std::string& field) {
  if (field == "images.height") {
    return "/data/image_size";
  }
  if (field == "images.batch") {
    return "the batch sizes of /training";
  }
  std::string key = "/model/" + field;
  std::replace(key.begin(), key.end(), '.', '/');
  return key;
}

}  // namespace

DataShape data_shape(const models::DataSpec& data, data::DatasetShape train,
                     data::DatasetShape test) {
  data::limit_images(train, data.train_limit);
  data::limit_images(test, data.test_limit);
  DataShape shape{train.height, train.width, train.channels, train.num_images, test.num_images};
  if (data.image_size > 0) {
    shape.height = shape.width = data.image_size;
  }
  return shape;
}

DataShape expected_data_shape(const models::RunSpec& spec) {
  const data::TrainTestShape shape = expected_shape(spec);
  return data_shape(spec.data, shape.train, shape.test);
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
    return models::build_model(net, wanted, training, statistics, key_of);
  };
}

void check_model(const models::RunSpec& spec) {
  DataShape shape = expected_data_shape(spec);
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

data::TrainTest load_dataset(const models::RunSpec& spec,
                             const std::function<void(const std::string&)>& report) {
  data::TrainTest sets = load_whole(spec, report);
  check_sets_agree(sets, spec.data.image_size);
  data::limit_images(sets.train, spec.data.train_limit);
  data::limit_images(sets.test, spec.data.test_limit);
  if (sets.train.num_classes > models::network_of(spec.model).num_classes) {
    throw Error(ErrorCode::spec, "/model/num_classes is " +
                                     std::to_string(models::network_of(spec.model).num_classes) +
                                     ", the data set has " +
                                     std::to_string(sets.train.num_classes) + " classes");
  }
  return sets;
}

DatasetPreview preview_dataset(const models::RunSpec& spec) {
  if (spec.data.dataset == models::DatasetKind::synthetic) {
    return {expected_data_shape(spec), {}};
  }
  const auto found = data::find_fashion_mnist(search_of(spec.data));
  if (!found) {
    return {expected_data_shape(spec),
            "Fashion-MNIST is not on this machine yet; planned for it as it was published"};
  }
  check_sizes_agree(found->train, "the training set in " + found->source, found->test,
                    "the test set", spec.data.image_size);
  return {data_shape(spec.data, found->train, found->test), {}};
}

}  // namespace accrete::apps
