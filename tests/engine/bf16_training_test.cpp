// SPDX-License-Identifier: Apache-2.0
// Training in bf16 on the CPU: near f32, and the same bytes whatever must not matter.
#include <cmath>

#include "engine/tiny_models.h"
#include "support/catch.h"
#include "support/compare.h"

namespace accrete::test {
namespace {

constexpr std::int64_t kBatch = 6;
constexpr std::int64_t kSteps = 5;

OptimizerOptions momentum_sgd() {
  OptimizerOptions optimizer;
  optimizer.momentum = 0.9;
  optimizer.weight_decay = 1e-4;
  return optimizer;
}

TinyDenseNet net_of(DType dtype, bool bottleneck) {
  TinyDenseNet net;
  net.dtype = dtype;
  net.bottleneck = bottleneck;
  return net;
}

struct Training {
  std::vector<float> losses;
  std::vector<float> stored;
};

Training train(TinySession& tiny) {
  Training result;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    result.losses.push_back(static_cast<float>(tiny.step(0.05, step).loss));
  }
  result.stored = tiny.stored_values();
  CHECK(tiny.session.peak_bytes() == tiny.session.planned_bytes());
  return result;
}

Training train(const TinyDenseNet& net, int threads = 1) {
  TinySession tiny(tiny_densenet(net), kBatch, {}, threads, momentum_sgd());
  return train(tiny);
}

// |a - b| / |b - start|: how far two trainings are apart, in units of what one has learned.
double relative_distance(const Training& a, const Training& b, const std::vector<float>& start) {
  double apart = 0.0;
  double learned = 0.0;
  for (std::size_t i = 0; i < start.size(); ++i) {
    apart += std::pow(static_cast<double>(a.stored[i]) - static_cast<double>(b.stored[i]), 2);
    learned += std::pow(static_cast<double>(b.stored[i]) - static_cast<double>(start[i]), 2);
  }
  return std::sqrt(apart / learned);
}

}  // namespace

// As on the CUDA backend: on a net this small one rounding of the weights changes some gradients by
// 9 percent; a wrong gradient is a distance of about 1.
TEST_CASE("DenseNets train in bf16 nearly as in f32") {
  for (const bool bottleneck : {false, true}) {
    INFO("bottleneck " << bottleneck);
    const Training exact = train(net_of(DType::f32, bottleneck));
    const Training rounded = train(net_of(DType::bf16, bottleneck));
    const std::vector<double> expected(exact.losses.begin(), exact.losses.end());
    CHECK(difference(rounded.losses, expected, {0.0, 0.02}) == "");
    CHECK(exact_difference(rounded.losses, exact.losses) != "");
    CHECK(rounded.losses.back() < rounded.losses.front());
    const auto start =
        TinySession(tiny_densenet(net_of(DType::f32, bottleneck)), kBatch, {}, 1, momentum_sgd())
            .stored_values();
    const double distance = relative_distance(rounded, exact, start);
    INFO("relative distance " << distance);
    CHECK(distance > 0.0);
    CHECK(distance < 0.2);
  }
}

TEST_CASE("training in bf16 gives the same bytes for any number of threads") {
  TinyDenseNet net = net_of(DType::bf16, true);
  net.size = 14;
  net.dropout = 0.2F;
  const Training alone = train(net, 1);
  for (const int threads : {2, 3}) {
    const Training shared = train(net, threads);
    CHECK(exact_difference(shared.stored, alone.stored) == "");
    CHECK(shared.losses == alone.losses);
  }
}

TEST_CASE("training in bf16 gives the same bytes at every recompute level") {
  TinyDenseNet net = net_of(DType::bf16, true);
  net.layers = 5;
  const auto at_level = [&](int level) {
    SessionOptions options;
    options.train_batches = options.eval_batches = {kBatch};
    options.recompute = level;
    options.optimizer = momentum_sgd();
    TinySession tiny(tiny_densenet(net), kBatch, options);
    return train(tiny).stored;
  };
  const std::vector<float> kept = at_level(0);
  CHECK(exact_difference(at_level(1), kept) == "");
  CHECK(exact_difference(at_level(2), kept) == "");
}

TEST_CASE("rounded copies follow their parameters with every optimizer") {
  for (const OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::adam}) {
    OptimizerOptions optimizer;
    optimizer.kind = kind;
    TinySession tiny(tiny_densenet(net_of(DType::bf16, false)), kBatch, {}, 2, optimizer);
    for (std::int64_t step = 0; step < 3; ++step) {
      tiny.step(0.01, step);
    }
    const RoundedCopies copies = count_rounded_copies(tiny.session.parameters());
    CHECK(copies.all == 6);  // stem, three layers, transition, classifier
    CHECK(copies.exact == copies.all);
  }
}

}  // namespace accrete::test
