// SPDX-License-Identifier: Apache-2.0
// Problems at the limits of what is accepted: nothing that is computed from them wraps. The
// sanitizers of the dev preset watch the arithmetic itself.
#include <functional>
#include <limits>

#include "accrete/kernels/kernels.h"
#include "kernels/every_run.h"

using namespace accrete;
using namespace accrete::test;

namespace {

using Catch::Matchers::Contains;

constexpr std::int64_t kInt32 = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kInt64 = std::numeric_limits<std::int64_t>::max();

// Numbers from a fixed sequence.
class Draw {
 public:
  std::int64_t from(const std::vector<std::int64_t>& choices) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return choices[(state_ >> 33) % choices.size()];
  }

 private:
  std::uint64_t state_ = 1;
};

const std::vector<std::int64_t> kExtents = {
    1, 1, 1, 2, 3, 7, 255, 1 << 10, 1 << 16, 1 << 20, kInt32, kInt32 - 1, kInt64};

ConvProblem drawn_conv(Draw& draw) {
  const std::vector<std::int64_t> filters = {1, 1, 3, 3, 5, 1 << 10, 1 << 20, kInt32};
  const std::vector<std::int64_t> strides = {1, 1, 2, 3, 64, 1024, kInt32, kInt64};
  const std::vector<std::int64_t> pads = {0, 0, 1, 3, 1 << 10, 1 << 20, kInt32};
  ConvProblem p;
  p.N = draw.from(kExtents);
  p.H = draw.from(kExtents);
  p.W = draw.from(kExtents);
  p.C = draw.from(kExtents);
  p.K = draw.from(kExtents);
  p.R = draw.from(filters);
  p.S = draw.from(filters);
  p.stride_h = draw.from(strides);
  p.stride_w = draw.from(strides);
  p.pad_h = draw.from(pads);
  p.pad_w = draw.from(pads);
  return p;
}

PoolProblem drawn_pool(Draw& draw) {
  const std::vector<std::int64_t> windows = {1, 2, 3, 15, 255, kInt64};
  const std::vector<std::int64_t> strides = {1, 2, 3, 255, kInt32, kInt64};
  const std::vector<std::int64_t> pads = {0, 0, 1, 7, 254, kInt64};
  PoolProblem p;
  p.N = draw.from(kExtents);
  p.H = draw.from(kExtents);
  p.W = draw.from(kExtents);
  p.C = draw.from(kExtents);
  p.R = draw.from(windows);
  p.S = draw.from(windows);
  p.stride_h = draw.from(strides);
  p.stride_w = draw.from(strides);
  p.pad_h = draw.from(pads);
  p.pad_w = draw.from(pads);
  return p;
}

bool accepted(const std::function<void()>& check) {
  try {
    check();
  } catch (const Error& error) {
    REQUIRE(error.code() == ErrorCode::invalid_argument);
    return false;
  }
  return true;
}

constexpr Device kDevices[] = {{DeviceKind::cpu, 0}, {DeviceKind::cuda, 0}};

// Workspaces are sums of a few copies of the tensors involved, so far below what could wrap.
template <class Call>
void check_bytes(const Call& call) {
  for (const Device& device : kDevices) {
    CHECK(kernels::workspace_bytes(call, device) <= std::size_t{1} << 60);
  }
  CHECK(kernels::cost(call).bytes <= std::int64_t{1} << 60);
}

// Tensors without data.
TensorView planned(const Shape& shape, DType dtype = DType::f32) {
  return {nullptr, shape, dtype};
}
kernels::NormRelu planned_norm(std::int64_t C) {
  const TensorView v = planned(channel_vector(C));
  return {v, v, v, v};
}

void check_sizes(const ConvProblem& p, DType dtype) {
  using namespace kernels;
  const TensorView x = planned(p.x_shape(), dtype);
  const TensorView y = planned(p.y_shape(), dtype);
  const TensorView weight = planned(p.weight_shape(), dtype);
  const TensorView v = planned(channel_vector(p.C));
  const TensorView of_y = planned(channel_vector(p.K));
  const DeferredGradient due{y, y, of_y, of_y, of_y, of_y};
  check_bytes(ConvForward{.problem = p, .x = x, .weight = weight, .y = y});
  check_bytes(ConvForward{p, x, planned_norm(p.C), weight, of_y, y, {of_y, of_y, of_y}});
  check_bytes(ConvDgrad{.problem = p, .grad_y = {.g = y}, .weight = weight, .grad_x = {.g = x}});
  check_bytes(ConvDgrad{p, due, weight, x, planned_norm(p.C), {x, v, v, v, v}});
  check_bytes(ConvWgrad{.problem = p, .x = x, .grad_y = {.g = y}, .grad_weight = weight});
  check_bytes(ConvWgrad{p, x, planned_norm(p.C), due, weight});
  check_bytes(ConvBackward{p, x, planned_norm(p.C), weight, due, {x, v, v, v, v}, weight});
}

void check_sizes(const Shape& shape) {
  using namespace kernels;
  const TensorView x = planned(shape);
  const TensorView v = planned(channel_vector(shape.c));
  const NormRelu norm = planned_norm(shape.c);
  check_bytes(BiasGrad{x, v});
  check_bytes(BatchNormTraining{{}, x, v, v, v, v, v, v, x});
  check_bytes(BatchNormBackward{
      .grad_y = x, .x = x, .norm = norm, .grad_x = x, .grad_gamma = v, .grad_beta = v});
  check_bytes(NormReluBackward{x, x, norm, {x, v, v, v, v}});
  check_bytes(ChannelStatistics{x, {v, v, v}});
}

void check_sizes(const PoolProblem& p) {
  using namespace kernels;
  const TensorView x = planned(p.x_shape());
  const TensorView y = planned(p.y_shape());
  const TensorView winner = planned(p.y_shape(), DType::u8);
  const TensorView v = planned(channel_vector(p.C));
  const NormRelu norm = planned_norm(p.C);
  const NormReluGradient grad_x{x, v, v, v, v};
  check_bytes(MaxPoolForward{p, x, norm, y, winner, {v, v, v}});
  check_bytes(MaxPoolBackward{p, {.g = y}, winner, x, norm, grad_x});
  check_bytes(AveragePoolBackward{p, y, x, norm, grad_x});
  check_bytes(GlobalAveragePoolBackward{planned({p.N, 1, 1, p.C}), x, norm, grad_x});
}

}  // namespace

TEST_CASE("nothing computed from an accepted convolution wraps") {
  Draw draw;
  int count = 0;
  for (int i = 0; i < 20000; ++i) {
    const ConvProblem p = drawn_conv(draw);
    if (!accepted([&] { kernels::check_conv_problem(p); })) {
      continue;
    }
    ++count;
    CHECK(p.macs() >= 1);
    CHECK(p.y_shape().elements() >= 1);
    INFO("x " << to_string(p.x_shape()) << ", weight " << to_string(p.weight_shape()) << ", stride "
              << p.stride_h << "x" << p.stride_w << ", pad " << p.pad_h << "x" << p.pad_w);
    check_sizes(p, DType::f32);
    check_sizes(p, DType::bf16);
    check_sizes(p.y_shape());
  }
  CHECK(count > 100);
}

TEST_CASE("nothing computed from an accepted pool wraps") {
  Draw draw;
  int count = 0;
  for (int i = 0; i < 20000; ++i) {
    const PoolProblem p = drawn_pool(draw);
    if (!accepted([&] { kernels::check_pool_problem(p); })) {
      continue;
    }
    ++count;
    CHECK(p.y_shape().elements() >= 1);
    check_sizes(p);
    check_sizes(p.x_shape());
  }
  CHECK(count > 100);
}

TEST_CASE("problems beyond the limits are refused by name") {
  const auto conv_error = [](const ConvProblem& p) {
    return error_of([&] { kernels::check_conv_problem(p); });
  };
  ConvProblem p = {1, 8, 8, 4, 4, 3, 3, 1, 1, 1, 1};
  p.stride_h = 1025;
  CHECK_THAT(conv_error(p), Contains("stride_h is 1025, allowed are 1 to 1024"));
  p = {1, 1, 1, 1024, 1, 1024, 1, 1024, 1, kInt32, 0};
  CHECK_THAT(conv_error(p), Contains("[conv_problem] padded image: impossible shape"));
  p = {256, 4096, 4096, 256, 256, 1025, 1025, 1, 1, 512, 512};
  CHECK_THAT(conv_error(p), Contains("takes more than 2^62 multiply-accumulates"));
  p = {1 << 19, 1, 1, 1 << 20, 1 << 20, 1, 1, 1, 1, 0, 0};
  CHECK_NOTHROW(kernels::check_conv_problem(p));
  p.N = (1 << 20) + 1;
  CHECK_THAT(conv_error(p), Contains("[conv_problem] x: impossible shape"));
}

TEST_CASE("pools beyond the limits are refused by name") {
  const auto pool_error = [](const PoolProblem& p) {
    return error_of([&] { kernels::check_pool_problem(p); });
  };
  PoolProblem p = {PoolKind::max, 1, 8, 8, 4, 3, 3, 1, 1, 1, 1, false};
  p.stride_w = kInt64;
  CHECK_THAT(pool_error(p), Contains("[pool_problem] strides 1x9223372036854775807 exceed"));
  p.stride_w = 1;
  p.kind = static_cast<PoolKind>(9);
  CHECK_THAT(pool_error(p), Contains("[pool_problem] kind is 9, must be max or average"));
  p = {PoolKind::max, std::int64_t{1} << 38, 1, 1, 1, 255, 1, 1, 1, 254, 0, false};
  CHECK_THAT(pool_error(p), Contains("[pool_problem] y: impossible shape"));
}
