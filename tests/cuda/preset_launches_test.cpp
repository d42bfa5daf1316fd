// SPDX-License-Identifier: Apache-2.0
// Every launch of a step of every published net is one that GPUs take: training and evaluation, in
// every arithmetic, with the limits of several GPUs.
#include "cuda/recorded_step.h"
#include "support/catch.h"

using namespace accrete;
using namespace accrete::test;

namespace {

constexpr simt::DeviceLimits kDevices[] = {simt::kSm90, simt::kSm80, simt::kSm89};
constexpr struct {
  const char* name;
  DType dtype;
  FloatMath math;
} kArithmetics[] = {{"bf16", DType::bf16, FloatMath::strict},
                    {"tf32", DType::f32, FloatMath::tf32},
                    {"fp32", DType::f32, FloatMath::strict}};

}  // namespace

TEST_CASE("every layer of every published net can be launched") {
  for (const PublishedNet& net : published_nets()) {
    for (const auto& arithmetic : kArithmetics) {
      for (const bool training : {true, false}) {
        const auto plan = plan_of(net, arithmetic.dtype, training);
        for (const simt::DeviceLimits& device : kDevices) {
          INFO(net.name << " " << arithmetic.name << (training ? ", training" : ", evaluation")
                        << " on " << device.name);
          simt::set_device_limits(device);
          std::size_t launches = 0;
          CHECK_NOTHROW(launches = recorded_launches(plan, arithmetic.math, training).size());
          CHECK(6 * launches > static_cast<std::size_t>(plan->model.graph.num_nodes()));
        }
      }
    }
  }
  simt::set_device_limits(simt::kSm90);
}

TEST_CASE("a training step takes no more launches than it did") {
  constexpr struct {
    const char* net;
    std::size_t launches;
  } kMost[] = {{"densenet121", 263}, {"d2l", 64}};
  for (const auto& [name, most] : kMost) {
    for (const PublishedNet& net : published_nets()) {
      if (net.name == name) {
        INFO(name);
        const auto plan = plan_of(net, DType::bf16, true);
        CHECK(recorded_launches(plan, FloatMath::strict, true).size() <= most);
      }
    }
  }
}
