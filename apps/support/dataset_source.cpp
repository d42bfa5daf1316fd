// SPDX-License-Identifier: Apache-2.0
#include "dataset_source.h"

#include <cstdlib>

#include "accrete/data/fashion_mnist.h"
#include "accrete/data/synthetic.h"
#include "accrete/kernels/error.h"

namespace accrete::apps {
namespace {

constexpr const char* kDownloadFolder = "runs/cache/fashion-mnist";

data::FashionMnistSearch search_of(const models::DataSpec& data) {
  data::FashionMnistSearch search;
  search.spec_path = data.path;
  const char* environment = std::getenv("ACCRETE_DATA");
  search.environment = environment != nullptr ? environment : "";
  search.cache_folder = kDownloadFolder;
  return search;
}

data::TrainTest load_whole(const models::RunSpec& spec,
                           const std::function<void(const std::string&)>& report) {
  const models::DataSpec& data = spec.data;
  if (data.dataset == models::DatasetKind::synthetic) {
    return data::make_synthetic({data.synthetic_size, data.synthetic_channels,
                                 models::network_of(spec.model).num_classes, data.synthetic_train,
                                 data.synthetic_test, spec.training.seed});
  }
  data::FashionMnistSearch search = search_of(data);
  search.report = report;
  return data::load_fashion_mnist(search);
}

std::string size_of(const data::ImageExtents& images) {
  return std::to_string(images.height) + "x" + std::to_string(images.width);
}

// A net is built for one size of images.
void check_sizes_agree(const data::ImageExtents& train, const std::string& train_source,
                       const data::ImageExtents& test, const std::string& test_source,
                       std::int64_t image_size) {
  if (image_size == 0 && (train.height != test.height || train.width != test.width)) {
    throw Error(ErrorCode::data, train_source + " has images of " + size_of(train) + " and " +
                                     test_source + " of " + size_of(test) +
                                     "; use files that fit each other, or set /data/image_size to "
                                     "resize both");
  }
}

data::ImageExtents extents_of(const data::ImageDataset& set) {
  return {set.num_images, set.height, set.width};
}

void check_sets_agree(const data::TrainTest& sets, std::int64_t image_size) {
  const data::ImageDataset& train = sets.train;
  const data::ImageDataset& test = sets.test;
  check_sizes_agree(extents_of(train), train.source, extents_of(test), test.source, image_size);
  if (train.channels != test.channels || train.num_classes != test.num_classes) {
    throw Error(ErrorCode::data, train.source + " has images of " + std::to_string(train.channels) +
                                     " channels and " + std::to_string(train.num_classes) +
                                     " classes, " + test.source + " of " +
                                     std::to_string(test.channels) + " and " +
                                     std::to_string(test.num_classes));
  }
}

}  // namespace

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
    return {expected_data_shape(spec.data), {}};
  }
  const auto files = data::find_fashion_mnist(search_of(spec.data));
  if (!files) {
    return {expected_data_shape(spec.data),
            "Fashion-MNIST is not on this machine yet; planned for it as it was published"};
  }
  check_sizes_agree(files->train, "the training set in " + files->folder, files->test,
                    "the test set", spec.data.image_size);
  return {expected_data_shape(spec.data, *files), {}};
}

}  // namespace accrete::apps
