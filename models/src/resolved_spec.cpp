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

  bool boolean(const char* key, bool& value, const std::string& /*text*/) override {
    return write(key, value);
  }
  bool integer(const char* key, std::int64_t& value, Range<std::int64_t> /*range*/,
               const std::string& /*text*/) override {
    return write(key, value);
  }
  bool number(const char* key, double& value, Range<double> /*range*/,
              const std::string& /*text*/) override {
    return write(key, value);
  }
  bool string(const char* key, std::string& value, const TextRule& rule,
              const std::string& /*text*/) override {
    return !(rule.optional && value.empty()) && write(key, value);
  }
  bool integers(const char* key, Integers& value, const ListRule<std::int64_t>& /*rule*/,
                const std::string& /*text*/) override {
    return write(key, value);
  }
  bool numbers(const char* key, Numbers& value, const ListRule<double>& /*rule*/,
               const std::string& /*text*/) override {
    return write(key, value);
  }
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
  void required(const std::vector<const char*>& /*keys*/) override {}
  void require(const char* /*key*/, bool /*holds*/, const std::string& /*message*/) override {}

 private:
  bool word(const char* key, std::size_t& index, const Words& words,
            const std::string& /*text*/) override {
    return write(key, words[index]);
  }

  template <class Value>
  bool write(const char* key, const Value& value) {
    json_[key] = value;
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
