// SPDX-License-Identifier: Apache-2.0
#include "conv_bench.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "accrete/kernels/conv.h"
#include "conv_shapes.h"

namespace accrete::bench {
namespace {

using kernels::conv_dgrad;
using kernels::conv_forward;
using kernels::conv_wgrad;

// 64-byte aligned floats with values that are no denormals and do not grow.
class Buffer {
 public:
  explicit Buffer(std::size_t floats)
      : data_(static_cast<float*>(std::aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64)),
              &std::free) {
    for (std::size_t i = 0; i < floats; ++i) {
      data_.get()[i] = 0.001F * static_cast<float>(i % 251) - 0.125F;
    }
  }
  float* data() const { return data_.get(); }

 private:
  std::unique_ptr<float, decltype(&std::free)> data_;
};

enum class Pass { forward, dgrad, wgrad };

std::size_t workspace_bytes(Pass pass, const ConvProblem& problem) {
  switch (pass) {
    case Pass::forward:
      return kernels::conv_forward_workspace_bytes(problem, {});
    case Pass::dgrad:
      return kernels::conv_dgrad_workspace_bytes(problem, {});
    case Pass::wgrad:
      break;
  }
  return kernels::conv_wgrad_workspace_bytes(problem, {});
}

// The tensors of one shape. y lies in the middle of its block's buffer, as in a network.
class ConvTensors {
 public:
  explicit ConvTensors(const ConvShape& shape)
      : problem_(shape.problem),
        x_(count(problem_.x_shape(), problem_.C)),
        weight_(count(problem_.weight_shape(), problem_.C)),
        y_(count(problem_.y_shape(), y_pitch(shape))) {
    x = TensorView(x_.data(), problem_.x_shape());
    weight = TensorView(weight_.data(), problem_.weight_shape());
    y = TensorView(y_.data() + (y_pitch(shape) - problem_.K), problem_.y_shape(), y_pitch(shape));
  }

  TensorView x, weight, y;

 private:
  static std::int64_t y_pitch(const ConvShape& shape) {
    return shape.buffer_channels > 0 ? shape.buffer_channels : shape.problem.K;
  }
  static std::size_t count(const Shape& shape, std::int64_t pitch) {
    return static_cast<std::size_t>(shape.pixels() * pitch);
  }

  ConvProblem problem_;
  Buffer x_, weight_, y_;
};

void call(Pass pass, const Stream& stream, const ConvProblem& problem, const ConvTensors& t,
          const Workspace& workspace) {
  switch (pass) {
    case Pass::forward:
      conv_forward(stream, problem, t.x, t.weight, {}, t.y, workspace);
      break;
    case Pass::dgrad:
      conv_dgrad(stream, problem, t.y, t.weight, t.x, GradMode::overwrite, workspace);
      break;
    case Pass::wgrad:
      conv_wgrad(stream, problem, t.x, t.y, t.weight, GradMode::overwrite, workspace);
      break;
  }
}

void set_counters(benchmark::State& state, const ConvProblem& problem, const Rates& rates) {
  using benchmark::Counter;
  const double flops = 2.0 * static_cast<double>(problem.macs());
  const auto bytes =
      static_cast<double>(sizeof(float)) *
      static_cast<double>(problem.x_shape().elements() + problem.weight_shape().elements() +
                          problem.y_shape().elements());
  const auto per_second = [](double value) {
    return Counter(value, Counter::kIsIterationInvariantRate);
  };
  state.counters["FLOP/s"] = per_second(flops);
  state.counters["bytes/s"] = per_second(bytes);
  state.counters["of_peak"] = per_second(flops / rates.peak);
  if (rates.sgemm > 0.0) {
    state.counters["of_sgemm"] = per_second(flops / rates.sgemm);
  }
}

void run(benchmark::State& state, Pass pass, const ConvShape& shape, ThreadPool& pool,
         const Rates& rates) {
  const ConvTensors tensors(shape);
  const std::size_t bytes = workspace_bytes(pass, shape.problem);
  const Buffer scratch(bytes / sizeof(float) + 1);
  const Workspace workspace{scratch.data(), bytes};
  const Stream stream = Stream::cpu(pool);
  call(pass, stream, shape.problem, tensors, workspace);
  for (auto _ : state) {
    call(pass, stream, shape.problem, tensors, workspace);
  }
  set_counters(state, shape.problem, rates);
}

}  // namespace

void register_conv_benchmarks(ThreadPool& pool, const Rates& rates) {
  const struct {
    Pass pass;
    const char* name;
  } passes[] = {{Pass::forward, "forward"}, {Pass::dgrad, "dgrad"}, {Pass::wgrad, "wgrad"}};
  for (const ConvShape& shape : conv_shapes()) {
    for (const auto& entry : passes) {
      // A strided stem is the first layer of a network: nobody asks for the gradient of its data.
      if (entry.pass == Pass::dgrad && shape.problem.stride_h > 1) {
        continue;
      }
      benchmark::RegisterBenchmark(
          ("conv/" + std::string(entry.name) + "/" + shape.name).c_str(),
          [&pool, &shape, rates, pass = entry.pass](benchmark::State& state) {
            run(state, pass, shape, pool, rates);
          })
          ->UseRealTime()
          ->MeasureProcessCPUTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace accrete::bench
