// SPDX-License-Identifier: Apache-2.0
#include "device_choice.h"

#include <charconv>

#include "accrete/kernels/cuda.h"
#include "accrete/kernels/error.h"

namespace accrete::apps {
namespace {

// The N of "cuda:N", or -1 for anything else.
int cuda_index(const std::string& name) {
  const std::string prefix = "cuda:";
  if (name.rfind(prefix, 0) != 0) {
    return -1;
  }
  int index = -1;
  const char* end = name.data() + name.size();
  const auto [stop, status] = std::from_chars(name.data() + prefix.size(), end, index);
  return status == std::errc() && stop == end && index >= 0 ? index : -1;
}

}  // namespace

DeviceChoice choose_device(const std::string& name) {
  if (name == "cpu") {
    return {};
  }
  const CudaDevices gpus = cuda_devices();
  if (name == "auto") {
    if (gpus.count > 0) {
      return {{DeviceKind::cuda, 0}, {}};
    }
    return {{}, "device: cpu (" + gpus.reason + ")"};
  }
  const int index = cuda_index(name);
  if (index < 0) {
    throw Error(ErrorCode::invalid_argument,
                "--device " + name + ": expected auto, cpu or cuda:N, for example cuda:0");
  }
  if (index >= gpus.count) {
    const std::string reason =
        gpus.count == 0 ? gpus.reason : "this machine has " + std::to_string(gpus.count) + " GPUs";
    throw Error(ErrorCode::unsupported,
                "--device " + name + ": " + reason +
                    "; use --device cpu, or auto to take whatever there is");
  }
  return {{DeviceKind::cuda, index}, {}};
}

std::unique_ptr<DeviceRuntime> make_runtime(const Device& device, ThreadPool& pool) {
  if (device.kind == DeviceKind::cpu) {
    return make_cpu_runtime(pool);
  }
  CudaRuntimeOptions options;
  options.index = device.index;
  return make_cuda_runtime(options);
}

}  // namespace accrete::apps
