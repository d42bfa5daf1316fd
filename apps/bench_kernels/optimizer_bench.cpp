// SPDX-License-Identifier: Apache-2.0
// One update of all parameters of a network, with momentum and weight decay. In bf16 the update
// also writes the parameters' rounded copies.
#include "accrete/kernels/optimizer.h"

#include "accrete/kernels/error.h"
#include "accrete/models/densenet.h"
#include "families.h"

namespace accrete::bench {
namespace {

using models::DenseNetPreset;

// Elements of every parameter of a preset's net.
std::vector<std::int64_t> parameter_counts(const std::string& preset, std::int64_t image_size,
                                           std::int64_t image_channels) {
  for (const DenseNetPreset& candidate : models::densenet_presets()) {
    if (candidate.name != preset) {
      continue;
    }
    const ModelGraph model = models::build_densenet(
        candidate.spec, {1, image_size, image_size, image_channels, DType::f32}, true);
    std::vector<std::int64_t> counts;
    for (ValueId id = 0; id < model.graph.num_values(); ++id) {
      const Value& value = model.graph.value(id);
      if (value.kind == ValueKind::parameter) {
        counts.push_back(value.type.shape.elements());
      }
    }
    return counts;
  }
  throw Error(ErrorCode::internal, "there is no preset " + preset);
}

float* array(Workbench& bench, std::int64_t count) {
  return bench.zeros(channel_vector(count), DType::f32).f32();
}

std::uint16_t* rounded(Workbench& bench, std::int64_t count) {
  if (bench.arithmetic() != Arithmetic::bf16) {
    return nullptr;
  }
  return static_cast<std::uint16_t*>(bench.zeros(channel_vector(count), DType::bf16).data);
}

// `transfers`: how many f32 arrays as long as the parameters are read or written.
double traffic(Workbench& bench, const std::vector<std::int64_t>& counts, double transfers) {
  const double bytes = 4.0 * transfers + (bench.arithmetic() == Arithmetic::bf16 ? 2.0 : 0.0);
  double total = 0.0;
  for (const std::int64_t count : counts) {
    total += bytes * static_cast<double>(count);
  }
  return total;
}

Work sgd(Workbench& bench, const std::vector<std::int64_t>& counts) {
  std::vector<kernels::SgdParameter> parameters;
  parameters.reserve(counts.size());
  for (const std::int64_t count : counts) {
    parameters.push_back({array(bench, count), bench.f32_tensor(channel_vector(count)).f32(),
                          array(bench, count), count, 1e-4F, rounded(bench, count)});
  }
  kernels::SgdOptions options;
  options.momentum = 0.9F;
  return {[stream = bench.stream(), options, parameters] {
            kernels::sgd_step(stream, options, parameters.data(),
                              static_cast<std::int64_t>(parameters.size()));
          },
          0.0, traffic(bench, counts, 5.0)};
}

Work adam(Workbench& bench, const std::vector<std::int64_t>& counts) {
  std::vector<kernels::AdamParameter> parameters;
  parameters.reserve(counts.size());
  for (const std::int64_t count : counts) {
    parameters.push_back({array(bench, count), bench.f32_tensor(channel_vector(count)).f32(),
                          array(bench, count), array(bench, count), count, 1e-4F,
                          rounded(bench, count)});
  }
  return {[stream = bench.stream(), parameters] {
            kernels::adam_step(stream, {}, 100, parameters.data(),
                               static_cast<std::int64_t>(parameters.size()));
          },
          0.0, traffic(bench, counts, 7.0)};
}

}  // namespace

BenchCases optimizer_cases(const BenchSetting& setting) {
  const struct {
    const char* network;
    std::vector<std::int64_t> counts;
  } networks[] = {{"d2l96", parameter_counts("d2l", 96, 1)},
                  {"dn121", parameter_counts("densenet121", 224, 3)}};
  BenchCases cases;
  for (const auto& net : networks) {
    for (const Arithmetic arithmetic : setting.others()) {
      const std::string name = net.network;
      cases.push_back({"optimizer/sgd/" + name, arithmetic, "",
                       [counts = net.counts](Workbench& bench) { return sgd(bench, counts); }});
      cases.push_back({"optimizer/adam/" + name, arithmetic, "",
                       [counts = net.counts](Workbench& bench) { return adam(bench, counts); }});
    }
  }
  return cases;
}

}  // namespace accrete::bench
