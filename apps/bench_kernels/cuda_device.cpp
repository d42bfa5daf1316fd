// SPDX-License-Identifier: Apache-2.0
// A GPU in a benchmark run.
#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <fstream>
#include <iostream>

#include "accrete/kernels/cuda.h"
#include "bench_device.h"
#include "cuda/cuda_calls.h"
#include "cuda_timer.h"
#include "yardsticks.h"

namespace accrete::bench {
namespace {

using kernels::cuda::check_cublas;
using kernels::cuda::check_cuda;

constexpr int kTries = 10;

std::unique_ptr<DeviceRuntime> make_runtime(int index) {
  CudaRuntimeOptions options;
  options.index = index;
  return make_cuda_runtime(options);
}

int attribute(cudaDeviceAttr name, int index) {
  int value = 0;
  check_cuda(cudaDeviceGetAttribute(&value, name, index), "bench", "cudaDeviceGetAttribute");
  return value;
}

// "13.0" of 13000.
std::string cuda_version(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// The line in which the kernel module tells its release.
std::string driver_release() {
  std::ifstream file("/proc/driver/nvidia/version");
  std::string line;
  return std::getline(file, line) ? line : "unknown";
}

// Twice the bytes of a copy within the device's memory.
double copy_rate(DeviceRuntime& runtime, const CudaTimer& timer) {
  const std::int64_t bytes = std::min(std::int64_t{1} << 30, runtime.free_bytes() / 8);
  Workbench bench(runtime, Arithmetic::f32);
  const void* from = bench.zeros({1, 1, 1, bytes}, DType::u8).data;
  void* to = bench.zeros({1, 1, 1, bytes}, DType::u8).data;
  const double seconds = timer.fastest(kTries, [&] {
    check_cuda(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice,
                               static_cast<cudaStream_t>(runtime.stream().native())),
               "bench", "cudaMemcpyAsync");
  });
  return 2.0 * static_cast<double>(bytes) / seconds;
}

// Of the 8192^3 product of cuBLAS.
double gemm_rate(DeviceRuntime& runtime, const CudaTimer& timer, Arithmetic arithmetic) {
  ConvShape shape;
  shape.problem.N = shape.problem.C = shape.problem.K = 8192;
  Workbench bench(runtime, arithmetic);
  const ConvTensors tensors(bench, shape, Pass::forward);
  return flops_of(shape.problem) /
         timer.fastest(kTries, make_cublas()->prepare(bench, Pass::forward, tensors));
}

class CudaBenchDevice final : public BenchDevice {
 public:
  CudaBenchDevice(int index, bool naive)
      : index_(index),
        runtime_(make_runtime(index)),
        timer_(*runtime_, attribute(cudaDevAttrL2CacheSize, index)) {
    if (naive) {
      yardsticks_.push_back(make_naive());
    }
    yardsticks_.push_back(make_cublas());
    if (auto cudnn = make_cudnn(*runtime_, cudnn_)) {
      yardsticks_.push_back(std::move(cudnn));
    } else {
      std::cerr << "cuDNN is not beside: " << cudnn_ << "\n";
      cudnn_ = "absent: " + cudnn_;
    }
  }

  DeviceRuntime& runtime() override { return *runtime_; }
  std::vector<Arithmetic> arithmetics() const override {
    return {Arithmetic::f32, Arithmetic::tf32, Arithmetic::bf16};
  }
  std::vector<Arithmetic> default_arithmetics() const override { return {Arithmetic::bf16}; }
  std::vector<CacheState> cache_states() const override {
    return {CacheState::warm, CacheState::cold};
  }
  Facts facts() override;
  Ceilings measure_ceilings() override {
    Ceilings ceilings;
    ceilings.copy = copy_rate(*runtime_, timer_);
    for (const Arithmetic arithmetic : arithmetics()) {
      ceilings.gemm[static_cast<std::size_t>(arithmetic)] =
          gemm_rate(*runtime_, timer_, arithmetic);
    }
    return ceilings;
  }
  const ConvYardsticks& conv_yardsticks() const override { return yardsticks_; }

  void configure(benchmark::internal::Benchmark& benchmark) const override {
    benchmark.UseManualTime();
  }
  void time(benchmark::State& state, const Call& call, CacheState cache) override {
    if (cache == CacheState::warm) {
      timer_.warm(state, call);
    } else {
      timer_.cold(state, call);
    }
  }

 private:
  int index_;
  std::unique_ptr<DeviceRuntime> runtime_;
  CudaTimer timer_;
  ConvYardsticks yardsticks_;
  std::string cudnn_;
};

Facts CudaBenchDevice::facts() {
  int driver = 0;
  int toolkit = 0;
  int blas = 0;
  check_cuda(cudaDriverGetVersion(&driver), "bench", "cudaDriverGetVersion");
  check_cuda(cudaRuntimeGetVersion(&toolkit), "bench", "cudaRuntimeGetVersion");
  check_cublas(cublasGetVersion(static_cast<cublasHandle_t>(runtime_->stream().blas()), &blas),
               "bench", "cublasGetVersion");
  return {{"gpu", runtime_->description()},
          {"l2_bytes", std::to_string(attribute(cudaDevAttrL2CacheSize, index_))},
          {"driver", driver_release()},
          {"driver_cuda", cuda_version(driver)},
          {"cuda", cuda_version(toolkit)},
          {"cublas", std::to_string(blas)},
          {"cudnn", cudnn_}};
}

}  // namespace

std::unique_ptr<BenchDevice> make_cuda_bench_device(int index, bool naive) {
  return std::make_unique<CudaBenchDevice>(index, naive);
}

}  // namespace accrete::bench
