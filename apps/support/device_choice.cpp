// SPDX-License-Identifier: Apache-2.0
#include "device_choice.h"

#include <algorithm>
#include <cctype>

#include "accrete/kernels/error.h"

namespace accrete::apps {

std::string choose_device(const std::string& name) {
  if (name == "cpu") {
    return {};
  }
  if (name == "auto") {
    return "device: cpu (this build has no CUDA backend)";
  }
  const std::string prefix = "cuda:";
  const bool is_cuda =
      name.rfind(prefix, 0) == 0 && name.size() > prefix.size() &&
      std::all_of(name.begin() + static_cast<std::ptrdiff_t>(prefix.size()), name.end(),
                  [](unsigned char c) { return std::isdigit(c) != 0; });
  if (!is_cuda) {
    throw Error(ErrorCode::invalid_argument,
                "--device " + name + ": expected auto, cpu or cuda:N, for example cuda:0");
  }
  throw Error(ErrorCode::unsupported, "--device " + name +
                                          ": this build has no CUDA backend; use --device cpu, or "
                                          "auto to take whatever there is");
}

}  // namespace accrete::apps
