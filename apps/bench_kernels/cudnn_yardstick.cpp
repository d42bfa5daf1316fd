// SPDX-License-Identifier: Apache-2.0
// cuDNN at its best: packed NHWC tensors, and the fastest algorithm that its own search finds.
#include <algorithm>
#include <array>

#include "accrete/kernels/error.h"
#include "cudnn_library.h"
#include "yardsticks.h"

namespace accrete::bench {
namespace {

using cudnn::Descriptor;
using cudnn::Library;

constexpr std::size_t kWorkspaceBytes = std::size_t{256} << 20U;
constexpr int kMostAlgorithms = 16;

int extent(std::int64_t value) {
  return static_cast<int>(value);
}

// The descriptors of one convolution.
class Descriptors {
 public:
  Descriptors(const Library& library, const ConvProblem& p, Arithmetic arithmetic)
      : library_(library) {
    library.check(library.create_tensor(&x), "cudnnCreateTensorDescriptor");
    library.check(library.create_tensor(&y), "cudnnCreateTensorDescriptor");
    library.check(library.create_filter(&weight), "cudnnCreateFilterDescriptor");
    library.check(library.create_convolution(&convolution), "cudnnCreateConvolutionDescriptor");
    const int dtype = arithmetic == Arithmetic::bf16 ? cudnn::kBfloat16 : cudnn::kFloat;
    set(x, p.x_shape(), dtype);
    set(y, p.y_shape(), dtype);
    library.check(library.set_filter(weight, dtype, cudnn::kNhwc, extent(p.K), extent(p.C),
                                     extent(p.R), extent(p.S)),
                  "cudnnSetFilter4dDescriptor");
    library.check(
        library.set_convolution(convolution, extent(p.pad_h), extent(p.pad_w), extent(p.stride_h),
                                extent(p.stride_w), 1, 1, cudnn::kCrossCorrelation, cudnn::kFloat),
        "cudnnSetConvolution2dDescriptor");
  }
  ~Descriptors() {
    library_.destroy_tensor(x);
    library_.destroy_tensor(y);
    library_.destroy_filter(weight);
    library_.destroy_convolution(convolution);
  }
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;

  Descriptor x = nullptr, y = nullptr, weight = nullptr, convolution = nullptr;

 private:
  void set(Descriptor tensor, const Shape& s, int dtype) const {
    library_.check(
        library_.set_tensor(tensor, dtype, extent(s.n), extent(s.c), extent(s.h), extent(s.w),
                            extent(s.h * s.w * s.c), 1, extent(s.w * s.c), extent(s.c)),
        "cudnnSetTensor4dDescriptorEx");
  }
  const Library& library_;
};

// What a pass reads and writes, in the order in which cuDNN takes them.
struct Operands {
  Descriptor left, right, result;
  const void* left_data;
  const void* right_data;
  void* result_data;
};

Operands operands_of(Pass pass, const Descriptors& d, void* x, void* weight, void* y) {
  switch (pass) {
    case Pass::forward:
      return {d.x, d.weight, d.y, x, weight, y};
    case Pass::dgrad:
      return {d.weight, d.y, d.x, weight, y, x};
    case Pass::wgrad:
      break;
  }
  return {d.x, d.y, d.weight, x, y, weight};
}

int math_of(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::f32:
      return cudnn::kFmaMath;
    case Arithmetic::tf32:
      return cudnn::kDefaultMath;
    case Arithmetic::bf16:
      break;
  }
  return cudnn::kTensorOpMath;
}

class Cudnn final : public ConvYardstick {
 public:
  Cudnn(const Library& library, cudnn::Handle handle) : library_(library), handle_(handle) {}
  ~Cudnn() override { library_.destroy(handle_); }
  Cudnn(const Cudnn&) = delete;
  Cudnn& operator=(const Cudnn&) = delete;

  const char* name() const override { return "cudnn"; }
  // Linear layers are cuBLAS's.
  bool covers(const ConvProblem& problem) const override { return problem.H > 1; }

  // All tensors packed and in one dtype, the weight's gradient, too: cuDNN wants it so.
  Call prepare(Workbench& bench, Pass pass, const ConvTensors& t) const override {
    const ConvProblem& p = t.problem;
    const auto descriptors = std::make_shared<Descriptors>(library_, p, bench.arithmetic());
    const Operands operands =
        operands_of(pass, *descriptors, t.x.data, bench.tensor(p.weight_shape()).data,
                    bench.tensor(p.y_shape()).data);
    const Workspace workspace = bench.workspace(kWorkspaceBytes);
    const cudnn::Found best = search(pass, *descriptors, operands, workspace, bench.arithmetic());
    library_.check(library_.set_math(descriptors->convolution, best.math),
                   "cudnnSetConvolutionMathType");
    return [this, pass, descriptors, operands, workspace, algorithm = best.algorithm] {
      convolve(pass, *descriptors, operands, workspace, algorithm);
    };
  }

 private:
  const cudnn::PassFunctions& functions(Pass pass) const {
    switch (pass) {
      case Pass::forward:
        return library_.forward;
      case Pass::dgrad:
        return library_.dgrad;
      case Pass::wgrad:
        break;
    }
    return library_.wgrad;
  }

  cudnn::Found search(Pass pass, const Descriptors& d, const Operands& o,
                      const Workspace& workspace, Arithmetic arithmetic) const {
    library_.check(library_.set_math(d.convolution, math_of(arithmetic)),
                   "cudnnSetConvolutionMathType");
    std::array<cudnn::Found, kMostAlgorithms> found{};
    int count = 0;
    library_.check(functions(pass).find(handle_, o.left, o.left_data, o.right, o.right_data,
                                        d.convolution, o.result, o.result_data, kMostAlgorithms,
                                        &count, found.data(), workspace.data, workspace.bytes),
                   "cudnnFindConvolution...AlgorithmEx");
    // The search tries the default math, too, in which strict f32 would not be strict.
    const auto end = found.cbegin() + count;
    const auto best = std::find_if(found.cbegin(), end, [arithmetic](const cudnn::Found& one) {
      return one.status == cudnn::kSuccess &&
             (arithmetic != Arithmetic::f32 || one.math == cudnn::kFmaMath);
    });
    if (best == end) {
      throw Error(ErrorCode::unsupported, "cuDNN has no algorithm for it");
    }
    return *best;
  }

  void convolve(Pass pass, const Descriptors& d, const Operands& o, const Workspace& workspace,
                int algorithm) const {
    const float alpha = 1.0F;
    const float beta = 0.0F;
    library_.check(functions(pass).convolve(handle_, &alpha, o.left, o.left_data, o.right,
                                            o.right_data, d.convolution, algorithm, workspace.data,
                                            workspace.bytes, &beta, o.result, o.result_data),
                   "cudnnConvolution...");
  }

  Library library_;
  cudnn::Handle handle_;
};

}  // namespace

std::unique_ptr<ConvYardstick> make_cudnn(DeviceRuntime& runtime, std::string& note) {
  Library library;
  if (!cudnn::load(library, note)) {
    return nullptr;
  }
  cudnn::Handle handle = nullptr;
  if (const int status = library.create(&handle); status != cudnn::kSuccess) {
    note = std::string("cudnnCreate: ") + library.error_text(status);
    return nullptr;
  }
  auto yardstick = std::make_unique<Cudnn>(library, handle);
  library.check(library.set_stream(handle, runtime.stream().native()), "cudnnSetStream");
  note = std::to_string(library.version());
  return yardstick;
}

}  // namespace accrete::bench
