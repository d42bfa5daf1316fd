// SPDX-License-Identifier: Apache-2.0
// Trains a small DenseNet for some steps on a GPU, with a runtime on the client's own stream and
// allocator; a kernel of the client's makes the images, on the same stream and in the memory of the
// session. Exit code 77 where there is no GPU.
#include <accrete/engine/training_session.h>
#include <accrete/kernels/cuda.h>
#include <accrete/kernels/error.h>
#include <accrete/models/densenet.h>
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr std::int64_t kBatch = 8;
constexpr std::int64_t kSize = 32;

void check(cudaError_t status) {
  if (status != cudaSuccess) {
    std::fprintf(stderr, "%s\n", cudaGetErrorString(status));
    std::exit(1);
  }
}

__global__ void make_images(float* pixels, std::int64_t count) {
  const std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x;
  if (i < count) {
    pixels[i] = static_cast<float>(i * 37 % 19) / 19.0F;
  }
}

// What the runtime took from the client and has not given back.
int blocks_out = 0;
std::int64_t bytes_taken = 0;

accrete::CudaRuntimeOptions runtime_options(cudaStream_t stream) {
  accrete::CudaRuntimeOptions options;
  options.stream = stream;
  options.allocate = [](std::int64_t bytes) {
    void* memory = nullptr;
    if (cudaMalloc(&memory, static_cast<std::size_t>(bytes)) == cudaSuccess) {
      ++blocks_out;
      bytes_taken += bytes;
    }
    return memory;
  };
  options.release = [](void* memory) {
    --blocks_out;
    cudaFree(memory);
  };
  return options;
}

accrete::models::DenseNetSpec small_net() {
  accrete::models::DenseNetSpec net;
  net.blocks = {2, 2};
  net.growth_rate = 8;
  net.num_classes = 3;
  return net;
}

// The loss of the first and the last of ten steps.
std::vector<double> train(cudaStream_t stream) {
  const accrete::ModelBuilder builder = [](std::int64_t batch, bool training) {
    return accrete::models::build_densenet(small_net(), {batch, kSize, kSize, 3}, training);
  };
  const auto runtime = accrete::make_cuda_runtime(runtime_options(stream));
  accrete::SessionOptions options;
  options.train_batches = {kBatch};
  options.device = runtime->stream().device();
  accrete::TrainingSession session(accrete::plan_session(builder, options), options, *runtime);

  const std::vector<std::int32_t> labels = {0, 1, 2, 0, 1, 2, 0, 1};
  std::vector<double> losses;
  for (std::int64_t step = 0; step < 10; ++step) {
    const accrete::TensorView images = session.train_images(kBatch);
    const std::int64_t count = images.shape.elements();
    make_images<<<static_cast<unsigned>((count + 255) / 256), 256, 0, stream>>>(images.f32(),
                                                                                count);
    check(cudaGetLastError());
    session.upload(session.train_labels(kBatch), labels.data());
    losses.push_back(session.train_step(kBatch, 0.1, step).loss);
  }
  return {losses.front(), losses.back()};
}

int run() {
  const accrete::CudaDevices gpus = accrete::cuda_devices();
  if (gpus.count == 0) {
    std::printf("skipped: %s\n", gpus.reason.c_str());
    return 77;
  }
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  const std::vector<double> losses = train(stream);
  check(cudaStreamDestroy(stream));
  std::printf("loss %g, after ten steps %g; %lld bytes from the client's allocator\n", losses[0],
              losses[1], static_cast<long long>(bytes_taken));
  return losses[1] < losses[0] && bytes_taken > 0 && blocks_out == 0 ? 0 : 1;
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
