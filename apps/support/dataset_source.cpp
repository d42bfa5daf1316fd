// SPDX-License-Identifier: Apache-2.0
#include "dataset_source.h"

#include <cstdlib>

#include "accrete/data/fashion_mnist.h"
#include "accrete/data/synthetic.h"
#include "accrete/kernels/error.h"

namespace accrete::apps {
namespace {

constexpr const char* kDownloadFolder = "runs/cache/fashion-mnist";

data::TrainTest load_whole(const models::RunSpec& spec,
                           const std::function<void(const std::string&)>& report) {
  const models::DataSpec& data = spec.data;
  if (data.dataset == models::DatasetKind::synthetic) {
    return data::make_synthetic({data.synthetic_size, data.synthetic_channels,
                                 models::network_of(spec.model).num_classes, data.synthetic_train,
                                 data.synthetic_test, spec.training.seed});
  }
  data::FashionMnistSearch search;
  search.spec_path = data.path;
  const char* environment = std::getenv("ACCRETE_DATA");
  search.environment = environment != nullptr ? environment : "";
  search.cache_folder = kDownloadFolder;
  search.report = report;
  return data::load_fashion_mnist(search);
}

}  // namespace

data::TrainTest load_dataset(const models::RunSpec& spec,
                             const std::function<void(const std::string&)>& report) {
  data::TrainTest sets = load_whole(spec, report);
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

}  // namespace accrete::apps
