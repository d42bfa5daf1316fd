// SPDX-License-Identifier: Apache-2.0
// Every launch of a step of every published net is one that GPUs take: training and evaluation, in
// every arithmetic, recorded with the limits of several GPUs and never run.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "accrete/engine/executor.h"
#include "accrete/engine/optimizer.h"
#include "accrete/models/model.h"
#include "kernels/backend.h"
#include "simt/executor.h"
#include "support/catch.h"

using namespace accrete;
using namespace accrete::test;

namespace {

constexpr std::int64_t kBatch = 256;
constexpr simt::DeviceLimits kDevices[] = {simt::kSm90, simt::kSm80, simt::kSm89};

struct Net {
  std::string name;
  models::ModelSpec spec;
  models::ImageBatch images;
};

models::ImageBatch images_for(const models::NetworkSpec& net, bool one_channel) {
  const std::int64_t size = one_channel ? 96 : (net.num_classes == 10 ? 32 : 224);
  return {kBatch, size, size, one_channel ? 1 : 3};
}

std::vector<Net> published_nets() {
  std::vector<Net> nets;
  for (const models::DenseNetPreset& preset : models::densenet_presets()) {
    Net net{preset.name, {}, images_for(preset.spec, preset.name == "d2l")};
    net.spec.densenet = preset.spec;
    nets.push_back(net);
  }
  for (const models::ResNetPreset& preset : models::resnet_presets()) {
    Net net{preset.name, {}, images_for(preset.spec, preset.name == "resnet18_d2l")};
    net.spec.family = models::Family::resnet;
    net.spec.resnet = preset.spec;
    nets.push_back(net);
  }
  return nets;
}

// Memory that launches are recorded with: nobody ever looks there.
std::byte* nowhere() {
  constexpr std::uintptr_t kAddress = std::uintptr_t{1} << 40U;
  return reinterpret_cast<std::byte*>(kAddress);  // NOLINT(performance-no-int-to-ptr)
}

struct Arithmetic3 {
  const char* name;
  DType dtype;
  FloatMath math;
};
constexpr Arithmetic3 kArithmetics[] = {{"bf16", DType::bf16, FloatMath::strict},
                                        {"tf32", DType::f32, FloatMath::tf32},
                                        {"fp32", DType::f32, FloatMath::strict}};

std::shared_ptr<const StepPlan> plan_of(const Net& net, DType dtype, bool training) {
  models::ImageBatch images = net.images;
  images.dtype = dtype;
  return std::make_shared<const StepPlan>(
      plan_step(models::build_model(net.spec, images, training), training, {}, test_device()));
}

// Launches of the step and of the update behind it.
std::size_t record(const std::shared_ptr<const StepPlan>& plan, FloatMath math, bool training) {
  static std::array<std::uint32_t, kTicketCount> tickets{};
  OptimizerOptions momentum;
  momentum.momentum = 0.9;
  ParameterStore store(plan->model.graph);
  add_optimizer_state(momentum, store);
  store.bind(nowhere(), test_device());
  Executor executor(plan, store, nowhere(), test_device());
  simt::Recorder recorder{true, {}};
  const Stream stream = Stream::cuda(0, &recorder, *test_stream(0).cuda_backend())
                            .with_float_math(math)
                            .with_tickets({tickets.data(), kTicketCount});
  executor.run(stream, 1, 0);
  if (training) {
    Optimizer(momentum, store, executor).step(stream, 0.1, 1);
  }
  return recorder.launches.size();
}

}  // namespace

TEST_CASE("every layer of every published net can be launched") {
  for (const Net& net : published_nets()) {
    for (const Arithmetic3& arithmetic : kArithmetics) {
      for (const bool training : {true, false}) {
        const auto plan = plan_of(net, arithmetic.dtype, training);
        for (const simt::DeviceLimits& device : kDevices) {
          INFO(net.name << " " << arithmetic.name << (training ? ", training" : ", evaluation")
                        << " on " << device.name);
          simt::set_device_limits(device);
          std::size_t launches = 0;
          CHECK_NOTHROW(launches = record(plan, arithmetic.math, training));
          CHECK(4 * launches > static_cast<std::size_t>(plan->model.graph.num_nodes()));
        }
      }
    }
  }
  simt::set_device_limits(simt::kSm90);
}
