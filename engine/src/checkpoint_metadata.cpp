// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_metadata.h"

#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "accrete/engine/json_text.h"
#include "accrete/kernels/crc32c.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/finite.h"

namespace accrete {
namespace {

using Json = nlohmann::ordered_json;  // differences are told in the order of the spec

constexpr const char* kFingerprint = "accrete.fingerprint";
constexpr const char* kMetadataSum = "accrete.crc32c";
constexpr const char* kTensorSums = "accrete.crc32c.tensors";

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::weights, path + " " + why);
}

[[noreturn]] void fail_damaged(const std::string& path, const std::string& why) {
  fail(path, "is damaged: " + why + "; an earlier checkpoint can take its place");
}

// 17 significant digits restore a double exactly.
std::string exact(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.17g", value);
  return text;
}

std::string hex(std::uint32_t sum) {
  char text[9];
  std::snprintf(text, sizeof(text), "%08x", static_cast<unsigned>(sum));
  return text;
}

std::uint32_t sum_of(const std::string& text, std::uint32_t before) {
  return crc32c(text.c_str(), text.size() + 1, before);  // the zero keeps "ab", "c" from "a", "bc"
}

std::string metadata_sum(const Metadata& metadata) {
  std::uint32_t sum = 0;
  for (const auto& [key, value] : metadata) {
    if (key != kMetadataSum) {
      sum = sum_of(value, sum_of(key, sum));
    }
  }
  return hex(sum);
}

std::string tensor_sum(const NamedArray& array) {
  std::uint32_t sum = sum_of(array.name, 0);
  sum = crc32c(array.shape.data(), array.shape.size() * sizeof(array.shape[0]), sum);
  return hex(crc32c(array.values.data(), array.values.size() * sizeof(float), sum));
}

// Reads the numbers of a checkpoint's metadata.
class NumberReader {
 public:
  NumberReader(const std::string& path, const Metadata& metadata)
      : path_(path), metadata_(metadata) {}

  /// A count from 0 to `most`.
  std::int64_t count(const char* key, std::int64_t most) const {
    const auto value = number<std::int64_t>(key);
    if (value < 0 || value > most) {
      refuse(std::string("has an impossible '") + key + "', " + std::to_string(value));
    }
    return value;
  }

  double finite(const char* key) const {
    const auto value = number<double>(key);
    if (!is_finite(value)) {
      refuse(std::string("has an impossible '") + key + "', which is NaN or infinite");
    }
    return value;
  }

  [[noreturn]] void refuse(const std::string& why) const {
    fail(path_, "is no checkpoint of a training run: its metadata " + why +
                    "; an earlier checkpoint can take its place");
  }

 private:
  template <class Number>
  Number number(const char* key) const {
    const auto found = metadata_.find(key);
    Number value{};
    if (found != metadata_.end()) {
      const std::string& text = found->second;
      const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (status == std::errc() && end == text.data() + text.size()) {
        return value;
      }
    }
    refuse(std::string("has no number '") + key + "'");
  }

  const std::string& path_;
  const Metadata& metadata_;
};

// The limits of a spec, which keep products of these counts within 63 bits.
constexpr std::int64_t kMostEpochs = 1'000'000;
constexpr std::int64_t kMostImages = 1'000'000'000;

BestEpoch best_of(const NumberReader& numbers, const Metadata& metadata) {
  BestEpoch best;
  if (const auto metric = metadata.find("accrete.best_metric"); metric != metadata.end()) {
    best.metric = metric->second;
    best.epoch = numbers.count("accrete.best_epoch", kMostEpochs);
    best.value = numbers.finite("accrete.best_value");
  }
  return best;
}

Json json_of(const std::string& text) {
  return find_json_fault(text) ? Json() : Json::parse(text);
}

// The first place where two JSON values differ, as a sentence.
std::string difference(const std::string& pointer, const Json& was, const Json& is) {
  if (!was.is_object() || !is.is_object()) {
    const auto shown = [](const Json& value) {
      return value.is_null() ? std::string("absent") : excerpt(value.dump());
    };
    return excerpt(pointer, 200) + " was " + shown(was) + " and is " + shown(is);
  }
  Json keys = was;
  keys.update(is);
  for (const auto& [key, value] : keys.items()) {
    const Json before = was.value(key, Json());
    const Json now = is.value(key, Json());
    if (before != now) {
      return difference(json_pointer(pointer, key), before, now);
    }
  }
  return "";
}

}  // namespace

Metadata metadata_of(const TrainingProgress& progress, const std::string& fingerprint) {
  Metadata metadata = {{"format", "pt"},
                       {kFingerprint, fingerprint},
                       {"accrete.epoch", std::to_string(progress.epoch)},
                       {"accrete.step_in_epoch", std::to_string(progress.step_in_epoch)},
                       {"accrete.global_step", std::to_string(progress.global_step)},
                       {"accrete.loss_sum", exact(progress.loss_sum)},
                       {"accrete.correct", std::to_string(progress.correct)},
                       {"accrete.samples", std::to_string(progress.samples)},
                       {"accrete.last_train_loss", exact(progress.last_train_loss)},
                       {"accrete.last_train_accuracy", exact(progress.last_train_accuracy)}};
  if (!progress.best.metric.empty()) {
    metadata["accrete.best_metric"] = progress.best.metric;
    metadata["accrete.best_epoch"] = std::to_string(progress.best.epoch);
    metadata["accrete.best_value"] = exact(progress.best.value);
  }
  return metadata;
}

void seal(SafetensorsFile& file) {
  std::string sums;
  for (const NamedArray& array : file.arrays) {
    sums += tensor_sum(array);
  }
  file.metadata[kTensorSums] = sums;
  file.metadata[kMetadataSum] = metadata_sum(file.metadata);
}

void check_metadata(const std::string& path, const Metadata& metadata) {
  if (metadata.count(kFingerprint) == 0) {
    fail(path,
         "holds weights, but no state of a run to go on from; start from them with --weights, or "
         "name a file of checkpoints/");
  }
  const auto sum = metadata.find(kMetadataSum);
  if (sum == metadata.end() || metadata.count(kTensorSums) == 0) {
    fail(path,
         "has no checksums: it is damaged, or an earlier version of this program has written it; "
         "start from its weights with --weights");
  }
  if (sum->second != metadata_sum(metadata)) {
    fail_damaged(path, "the checksum of its progress is " + metadata_sum(metadata) +
                           " instead of " + excerpt(sum->second));
  }
}

void check_tensors(const std::string& path, const SafetensorsFile& file) {
  const std::string& sums = file.metadata.at(kTensorSums);
  constexpr std::size_t kDigits = 8;
  if (sums.size() != file.arrays.size() * kDigits) {
    fail_damaged(path, "it has " + std::to_string(file.arrays.size()) +
                           " tensors and checksums of " + std::to_string(sums.size() / kDigits));
  }
  for (std::size_t i = 0; i < file.arrays.size(); ++i) {
    const std::string sum = tensor_sum(file.arrays[i]);
    const std::string expected = sums.substr(i * kDigits, kDigits);
    if (sum != expected) {
      fail_damaged(path, "the checksum of " + excerpt(file.arrays[i].name) + " is " + sum +
                             " instead of " + excerpt(expected));
    }
  }
}

TrainingProgress progress_of(const std::string& path, const Metadata& metadata) {
  const NumberReader numbers(path, metadata);
  TrainingProgress progress;
  progress.epoch = numbers.count("accrete.epoch", kMostEpochs);
  progress.step_in_epoch = numbers.count("accrete.step_in_epoch", kMostImages);
  progress.global_step = numbers.count("accrete.global_step", kMostEpochs * kMostImages);
  progress.loss_sum = numbers.finite("accrete.loss_sum");
  progress.samples = numbers.count("accrete.samples", kMostImages);
  progress.correct = numbers.count("accrete.correct", progress.samples);
  progress.last_train_loss = numbers.finite("accrete.last_train_loss");
  progress.last_train_accuracy = numbers.finite("accrete.last_train_accuracy");
  progress.best = best_of(numbers, metadata);
  if (progress.step_in_epoch > progress.global_step) {
    numbers.refuse("counts more steps in one epoch than in all");
  }
  if (progress.best.epoch > progress.epoch) {
    numbers.refuse("has a best epoch that is not finished");
  }
  return progress;
}

void check_fingerprint(const std::string& path, const Metadata& metadata,
                       const std::string& fingerprint) {
  const std::string& found = metadata.at(kFingerprint);
  if (found == fingerprint) {
    return;
  }
  const Json was = json_of(found);
  const Json is = json_of(fingerprint);
  const bool can_tell = was.is_object() && is.is_object();
  fail(path,
       "was written by a run with another spec or other data, so the run cannot go on from it" +
           (can_tell ? ": " + difference("", was, is) : std::string()) +
           "; use the same spec and data, or another --output folder to start afresh");
}

}  // namespace accrete
