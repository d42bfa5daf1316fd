// SPDX-License-Identifier: Apache-2.0
// Trains a small DenseNet for some steps on one made-up batch; the loss must fall.
#include <accrete/engine/training_session.h>
#include <accrete/models/densenet.h>

#include <cstdio>
#include <vector>

int main() {
  constexpr std::int64_t kBatch = 8;
  constexpr std::int64_t kSize = 32;
  const accrete::ModelBuilder builder = [](std::int64_t batch, bool training) {
    accrete::models::DenseNetSpec net;
    net.blocks = {2, 2};
    net.growth_rate = 8;
    net.num_classes = 3;
    return accrete::models::build_densenet(net, {batch, kSize, kSize, 3}, training);
  };
  accrete::SessionOptions options;
  options.train_batches = {kBatch};

  accrete::ThreadPool pool(1);
  const auto runtime = accrete::make_cpu_runtime(pool);
  accrete::TrainingSession session(accrete::plan_session(builder, options), options, *runtime);

  std::vector<float> images(static_cast<std::size_t>(kBatch * kSize * kSize * 3));
  std::vector<std::int32_t> labels(static_cast<std::size_t>(kBatch));
  for (std::size_t i = 0; i < images.size(); ++i) {
    images[i] = static_cast<float>((i * 37) % 19) / 19.0F;
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = static_cast<std::int32_t>(i % 3);
  }
  double first = 0.0;
  double last = 0.0;
  for (std::int64_t step = 0; step < 10; ++step) {
    session.upload(session.train_images(kBatch), images.data());
    session.upload(session.train_labels(kBatch), labels.data());
    last = session.train_step(kBatch, 0.1, step).loss;
    first = step == 0 ? last : first;
  }
  std::printf("loss %g, after ten steps %g\n", first, last);
  return last < first ? 0 : 1;
}
