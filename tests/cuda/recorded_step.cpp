// SPDX-License-Identifier: Apache-2.0
#include "cuda/recorded_step.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "accrete/engine/executor.h"
#include "accrete/engine/optimizer.h"
#include "kernels/backend.h"

namespace accrete::test {
namespace {

constexpr std::int64_t kBatch = 256;

models::ImageBatch images_for(const models::NetworkSpec& net, bool one_channel) {
  const std::int64_t size = one_channel ? 96 : (net.num_classes == 10 ? 32 : 224);
  return {kBatch, size, size, one_channel ? 1 : 3};
}

// Memory that launches are recorded with, for parameters and for all else: nobody ever looks there.
std::byte* nowhere(int part) {
  const auto address = static_cast<std::uintptr_t>(1 + part) << 42U;
  return reinterpret_cast<std::byte*>(address);  // NOLINT(performance-no-int-to-ptr)
}

OptimizerOptions momentum_sgd() {
  OptimizerOptions options;
  options.momentum = 0.9;
  return options;
}

}  // namespace

std::vector<PublishedNet> published_nets() {
  std::vector<PublishedNet> nets;
  for (const models::DenseNetPreset& preset : models::densenet_presets()) {
    PublishedNet net{preset.name, {}, images_for(preset.spec, preset.name == "d2l")};
    net.spec.densenet = preset.spec;
    nets.push_back(net);
  }
  for (const models::ResNetPreset& preset : models::resnet_presets()) {
    PublishedNet net{preset.name, {}, images_for(preset.spec, preset.name == "resnet18_d2l")};
    net.spec.family = models::Family::resnet;
    net.spec.resnet = preset.spec;
    nets.push_back(net);
  }
  return nets;
}

std::shared_ptr<const StepPlan> plan_of(const PublishedNet& net, DType dtype, bool training) {
  models::ImageBatch images = net.images;
  images.dtype = dtype;
  return std::make_shared<const StepPlan>(
      plan_step(models::build_model(net.spec, images, training), training, {}, test_device()));
}

std::vector<simt::Grid> recorded_launches(const std::shared_ptr<const StepPlan>& plan,
                                          FloatMath math, bool training) {
  static std::array<std::uint32_t, kTicketCount> tickets{};
  ParameterStore store(plan->model.graph);
  add_optimizer_state(momentum_sgd(), store);
  store.bind(nowhere(0), test_device());
  Executor executor(plan, store, nowhere(1), test_device());
  simt::Recorder recorder{true, {}};
  const Stream stream = Stream::cuda(0, &recorder, test_stream(0).backend())
                            .with_float_math(math)
                            .with_tickets({tickets.data(), kTicketCount});
  executor.run(stream, 1, 0);
  if (training) {
    Optimizer(momentum_sgd(), store, executor).step(stream, 0.1, 1);
  }
  std::vector<simt::Grid> launches;
  for (const auto& [grid, body] : recorder.launches) {
    launches.push_back(grid);
  }
  return launches;
}

}  // namespace accrete::test
