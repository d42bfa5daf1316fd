// SPDX-License-Identifier: Apache-2.0
// What stands beside this project's kernels, measured in the same run: other implementations of
// convolutions, and of the matrix products that 1x1 convolutions and linear layers are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accrete/kernels/thread_pool.h"
#include "bench_case.h"
#include "conv_tensors.h"
#include "network_shapes.h"

namespace accrete::bench {

class ConvYardstick {
 public:
  ConvYardstick() = default;
  ConvYardstick(const ConvYardstick&) = delete;
  ConvYardstick& operator=(const ConvYardstick&) = delete;
  virtual ~ConvYardstick() = default;

  virtual const char* name() const = 0;
  virtual bool covers(const ConvProblem& problem) const = 0;
  virtual bool computes_in(Arithmetic /*arithmetic*/) const { return true; }
  /// `tensors` were made by `bench`.
  virtual Call prepare(Workbench& bench, Pass pass, const ConvTensors& tensors) const = 0;
};

using ConvYardsticks = std::vector<std::unique_ptr<ConvYardstick>>;

/// Of a CPU, in FLOP/s; 0: not measured.
struct Rates {
  double peak = 0.0;
  double sgemm = 0.0;
};

/// f32 FLOP/s of independent fused multiply-adds in registers on all threads of the pool; best of
/// several tries.
double fma_peak(ThreadPool& pool);

/// Null without OpenBLAS. `threads`: how many it may use.
std::unique_ptr<ConvYardstick> make_openblas(int threads);

/// The naive CUDA kernels, on problems small enough for them.
std::unique_ptr<ConvYardstick> make_naive();

/// Matrix products on the runtime's cuBLAS handle.
std::unique_ptr<ConvYardstick> make_cublas();

/// cuDNN's convolutions, of a library loaded now. Null if there is none or it refuses to work;
/// `note` is its version or says why.
std::unique_ptr<ConvYardstick> make_cudnn(DeviceRuntime& runtime, std::string& note);

}  // namespace accrete::bench
