// SPDX-License-Identifier: Apache-2.0
#include "run_fingerprint.h"

#include <nlohmann/json.hpp>

#include "accrete/kernels/crc32c.h"

namespace accrete::apps {
namespace {

using Json = nlohmann::ordered_json;

std::uint32_t checksum(const data::ImageDataset& set) {
  const std::uint32_t pixels = crc32c(set.pixels.data(), set.pixels.size());
  return crc32c(set.labels.data(), set.labels.size() * sizeof(set.labels[0]), pixels);
}

// The first difference is the one that is told: extents go before the checksum.
Json json_of(const data::ImageDataset& set) {
  return {{"images", set.num_images},   {"height", set.height},
          {"width", set.width},         {"channels", set.channels},
          {"classes", set.num_classes}, {"pixels_and_labels_crc32c", checksum(set)}};
}

}  // namespace

std::string run_fingerprint(const models::RunSpec& spec, const data::TrainTest& sets) {
  Json json = Json::parse(models::spec_fingerprint(spec));
  json["data"]["training_set"] = json_of(sets.train);
  json["data"]["test_set"] = json_of(sets.test);
  return json.dump();
}

}  // namespace accrete::apps
