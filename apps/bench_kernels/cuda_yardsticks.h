// SPDX-License-Identifier: Apache-2.0
// What stands beside this project's kernels on a GPU.
#pragma once

#include <memory>
#include <string>

#include "conv_yardstick.h"

namespace accrete::bench {

/// The kernels of cuda/conv_naive.h, on problems small enough for them.
std::unique_ptr<ConvYardstick> make_naive();

/// Matrix products on the runtime's cuBLAS handle.
std::unique_ptr<ConvYardstick> make_cublas();

/// cuDNN's convolutions, of a library loaded now. Null if there is none or it refuses to work;
/// `note` is its version or says why.
std::unique_ptr<ConvYardstick> make_cudnn(DeviceRuntime& runtime, std::string& note);

}  // namespace accrete::bench
