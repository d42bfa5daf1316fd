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

// make_call(list, count), whose list of parameters the work keeps.
template <class Parameter, class MakeCall>
Work step_of(Workbench& bench, std::vector<Parameter> parameters, const MakeCall& make_call) {
  const auto count = static_cast<std::int64_t>(parameters.size());
  const kernels::Cost cost = kernels::cost(make_call(parameters.data(), count));
  return own_work([stream = bench.stream(), parameters = std::move(parameters), make_call,
                   count] { return kernels::run(stream, make_call(parameters.data(), count)); },
                  0.0, static_cast<double>(cost.bytes));
}

Work sgd(Workbench& bench, const std::vector<std::int64_t>& counts) {
  std::vector<kernels::SgdParameter> parameters;
  parameters.reserve(counts.size());
  for (const std::int64_t count : counts) {
    parameters.push_back({array(bench, count), bench.f32_tensor(channel_vector(count)).f32(),
                          array(bench, count), count, 1e-4F, rounded(bench, count)});
  }
  return step_of(bench, std::move(parameters),
                 [](const kernels::SgdParameter* list, std::int64_t count) {
                   return kernels::SgdStep{{.momentum = 0.9F}, list, count};
                 });
}

Work adam(Workbench& bench, const std::vector<std::int64_t>& counts) {
  std::vector<kernels::AdamParameter> parameters;
  parameters.reserve(counts.size());
  for (const std::int64_t count : counts) {
    parameters.push_back({array(bench, count), bench.f32_tensor(channel_vector(count)).f32(),
                          array(bench, count), array(bench, count), count, 1e-4F,
                          rounded(bench, count)});
  }
  return step_of(bench, std::move(parameters),
                 [](const kernels::AdamParameter* list, std::int64_t count) {
                   return kernels::AdamStep{{}, 100, list, count};
                 });
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
