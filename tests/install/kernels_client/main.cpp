// SPDX-License-Identifier: Apache-2.0
// One convolution on the client's own memory: a 3x3 sum over a constant image.
#include <accrete/kernels/conv.h>

#include <cstdio>
#include <vector>

int main() {
  accrete::ConvProblem problem;
  problem.N = 2;
  problem.H = problem.W = 5;
  problem.C = 4;
  problem.K = 3;
  problem.R = problem.S = 3;
  problem.pad_h = problem.pad_w = 1;

  const std::vector<float> x(static_cast<std::size_t>(problem.x_shape().elements()), 1.0F);
  const std::vector<float> weight(static_cast<std::size_t>(problem.weight_shape().elements()),
                                  1.0F);
  std::vector<float> y(static_cast<std::size_t>(problem.y_shape().elements()));
  accrete::kernels::ConvForward conv;
  conv.problem = problem;
  conv.x = {x.data(), problem.x_shape()};
  conv.weight = {weight.data(), problem.weight_shape()};
  conv.y = {y.data(), problem.y_shape()};
  std::vector<char> scratch(accrete::kernels::workspace_bytes(conv, accrete::Device{}) + 64);
  auto address = reinterpret_cast<std::uintptr_t>(scratch.data());
  void* aligned = scratch.data() + (64 - address % 64) % 64;

  accrete::ThreadPool pool(1);
  accrete::kernels::run(accrete::Stream::cpu(pool), conv, {aligned, scratch.size() - 64});

  const float corner = y.front();                                    // 2x2 taps inside, 4 channels
  const float centre = y[static_cast<std::size_t>(12 * problem.K)];  // 3x3 taps, 4 channels
  std::printf("corner %g, centre %g\n", static_cast<double>(corner), static_cast<double>(centre));
  return corner == 16.0F && centre == 36.0F ? 0 : 1;
}
