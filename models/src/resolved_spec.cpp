// SPDX-License-Identifier: Apache-2.0
// RunSpec -> JSON text with every default written out, and its fingerprint.
#include <nlohmann/json.hpp>

#include "spec_keys.h"

namespace accrete::models {
namespace {

using Json = nlohmann::ordered_json;

// Nothing is given to those who visit: all members stay as they are.
class SpecWriter final : public KeyVisitor {
 public:
  Json take() { return std::move(json_); }

  void object(const char* key, const std::string& /*text*/, const Members& members) override {
    Json outer = std::exchange(json_, Json::object());
    members();
    outer[key] = std::exchange(json_, {});
    json_ = std::move(outer);
  }
  void only(const char* /*what*/, bool applies, const Members& members) override {
    if (applies) {
      members();
    }
  }

 private:
  bool visit(const char* key, const Key& member, const std::string& /*text*/) override {
    const auto* text = std::get_if<TextKey>(&member);
    if (text == nullptr || !text->rule.optional || !text->value.empty()) {
      std::visit([&](const auto& one) { json_[key] = one.value; }, member);
    }
    return false;
  }

  Json json_ = Json::object();
};

Json json_of(RunSpec spec) {
  SpecWriter writer;
  visit_keys(writer, spec);
  return writer.take();
}

}  // namespace

std::string resolved_spec(const RunSpec& spec) {
  return json_of(spec).dump(2) + "\n";
}

std::string spec_fingerprint(const RunSpec& spec) {
  Json json = json_of(spec);
  for (const char* key : {"name", "memory", "checkpoint"}) {
    json.erase(key);
  }
  json["model"].erase("expect_params");       // is only compared with
  json["data"].erase("path");                 // the same images may lie elsewhere
  json["training"].erase("eval_batch_size");  // does not touch what is learned
  if (spec.training.schedule.kind == ScheduleKind::constant) {
    json["training"].erase("epochs");  // no step depends on how many follow: runs may be extended
  }
  return json.dump();
}

}  // namespace accrete::models
