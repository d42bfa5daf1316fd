// SPDX-License-Identifier: Apache-2.0
// One convolution on the client's own device memory and stream, between two kernels of the
// client's: a 3x3 sum over a constant image. Exit code 77 where there is no GPU.
#include <accrete/kernels/conv.h>
#include <accrete/kernels/cuda.h>
#include <accrete/kernels/error.h>
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>

namespace {

void check(cudaError_t status) {
  if (status != cudaSuccess) {
    std::fprintf(stderr, "%s\n", cudaGetErrorString(status));
    std::exit(1);
  }
}

__global__ void fill(float* values, std::int64_t count, float value) {
  const std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x;
  if (i < count) {
    values[i] = value;
  }
}

__global__ void add_one(float* values, std::int64_t count) {
  const std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x;
  if (i < count) {
    values[i] += 1.0F;
  }
}

unsigned blocks(std::int64_t count) {
  return static_cast<unsigned>((count + 255) / 256);
}

float* device_array(cudaStream_t stream, const accrete::Shape& shape, float value) {
  float* values = nullptr;
  check(cudaMalloc(&values, static_cast<std::size_t>(shape.elements()) * sizeof(float)));
  fill<<<blocks(shape.elements()), 256, 0, stream>>>(values, shape.elements(), value);
  check(cudaGetLastError());
  return values;
}

accrete::ConvProblem three_by_three() {
  accrete::ConvProblem problem;
  problem.N = 2;
  problem.H = problem.W = 5;
  problem.C = 4;
  problem.K = 3;
  problem.R = problem.S = 3;
  problem.pad_h = problem.pad_w = 1;
  return problem;
}

int run() {
  const accrete::CudaDevices gpus = accrete::cuda_devices();
  if (gpus.count == 0) {
    std::printf("skipped: %s\n", gpus.reason.c_str());
    return 77;
  }
  const accrete::Device gpu{accrete::DeviceKind::cuda, 0};
  const accrete::ConvProblem problem = three_by_three();
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  float* x = device_array(stream, problem.x_shape(), 1.0F);
  float* weight = device_array(stream, problem.weight_shape(), 1.0F);
  float* y = device_array(stream, problem.y_shape(), -1.0F);
  constexpr accrete::DType kF32 = accrete::DType::f32;
  accrete::kernels::ConvForward conv;
  conv.problem = problem;
  conv.x = {x, problem.x_shape(), kF32, gpu};
  conv.weight = {weight, problem.weight_shape(), kF32, gpu};
  conv.y = {y, problem.y_shape(), kF32, gpu};
  const std::size_t bytes = accrete::kernels::workspace_bytes(conv, gpu);
  void* scratch = nullptr;
  check(cudaMalloc(&scratch, bytes + 1));

  accrete::kernels::run(accrete::cuda_stream(stream), conv, {scratch, bytes});
  add_one<<<blocks(problem.y_shape().elements()), 256, 0, stream>>>(y,
                                                                    problem.y_shape().elements());
  float row[13 * 3];  // pixels 0 to 12: the corner and the centre of the first image
  check(cudaMemcpyAsync(row, y, sizeof(row), cudaMemcpyDeviceToHost, stream));
  check(cudaStreamSynchronize(stream));
  for (void* memory :
       {static_cast<void*>(x), static_cast<void*>(weight), static_cast<void*>(y), scratch}) {
    check(cudaFree(memory));
  }
  check(cudaStreamDestroy(stream));

  const float corner = row[0];       // 2x2 taps inside, 4 channels, and one
  const float centre = row[12 * 3];  // 3x3 taps, 4 channels, and one
  std::printf("corner %g, centre %g\n", static_cast<double>(corner), static_cast<double>(centre));
  return corner == 17.0F && centre == 37.0F ? 0 : 1;
}

}  // namespace

int main() {
  try {
    return run();
  } catch (const accrete::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
