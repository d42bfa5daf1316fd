// SPDX-License-Identifier: Apache-2.0
// Checkpoints and the safetensors files they are: round trips, and files that lie.
#include "accrete/engine/checkpoint.h"

#include <cstring>
#include <filesystem>
#include <fstream>

#include "accrete/engine/safetensors.h"
#include "accrete/kernels/error.h"
#include "engine/tiny_models.h"
#include "support/catch.h"
#include "support/compare.h"

namespace accrete::test {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

std::string scratch(const std::string& name) {
  const fs::path folder = fs::path("checkpoint_test_files");
  fs::create_directories(folder);
  return (folder / name).string();
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_raw(const std::string& path, const std::string& header, const std::string& data) {
  std::ofstream out(path, std::ios::binary);
  const std::uint64_t length = header.size();
  out.write(reinterpret_cast<const char*>(&length), 8);
  out << header << data;
}

OptimizerOptions with_momentum() {
  OptimizerOptions optimizer;
  optimizer.momentum = 0.9;
  return optimizer;
}

}  // namespace

TEST_CASE("a checkpoint restores everything a run needs") {
  TinySession first(tiny_densenet({}), 4, {}, 1, with_momentum());
  first.step(0.1, 0);
  const TrainingProgress progress{3, 2, 17, 0.1 + 0.2, 41, 64, 1.0 / 3.0, 0.875};
  save_checkpoint(scratch("a.safetensors"), first.session.parameters(), progress, "f00d");

  TinySession second(tiny_densenet({}), 4, {}, 1, with_momentum());
  const TrainingProgress restored =
      load_checkpoint(scratch("a.safetensors"), second.session.parameters(), "f00d");
  CHECK(exact_difference(second.stored_values(), first.stored_values()).empty());
  CHECK(restored.epoch == 3);
  CHECK(restored.step_in_epoch == 2);
  CHECK(restored.global_step == 17);
  CHECK(restored.loss_sum == 0.1 + 0.2);
  CHECK(restored.correct == 41);
  CHECK(restored.samples == 64);
  CHECK(restored.last_train_loss == 1.0 / 3.0);
  CHECK(restored.last_train_accuracy == 0.875);

  save_checkpoint(scratch("b.safetensors"), second.session.parameters(), restored, "f00d");
  CHECK(bytes_of(scratch("a.safetensors")) == bytes_of(scratch("b.safetensors")));
  CHECK_FALSE(fs::exists(scratch("a.safetensors.tmp")));
}

TEST_CASE("weights are stored in the order other frameworks use") {
  TinySession tiny(tiny_densenet({}), 4);
  save_weights(scratch("w.safetensors"), tiny.session.parameters());
  const SafetensorsFile file = read_safetensors(scratch("w.safetensors"));
  bool found = false;
  for (const NamedArray& array : file.arrays) {
    CHECK(array.name.find("optimizer.") == std::string::npos);
    if (array.name == "stem.weight") {
      found = true;
      CHECK(array.shape == std::vector<std::int64_t>{7, 2, 3, 3});
      const StoredTensor* tensor = tiny.session.parameters().find("stem.weight");
      // [k=4, c=1, r=2, s=0] in the file is [k=4, r=2, s=0, c=1] in memory.
      CHECK(array.values[((4 * 2 + 1) * 3 + 2) * 3 + 0] ==
            tensor->view.f32()[((4 * 3 + 2) * 3 + 0) * 2 + 1]);
    }
    if (array.name == "classifier.weight") {
      CHECK(array.shape == std::vector<std::int64_t>{4, 6});
    }
  }
  CHECK(found);
}

TEST_CASE("a checkpoint of another spec, model or optimizer is refused") {
  TinySession tiny(tiny_densenet({}), 4);
  const std::string path = scratch("c.safetensors");
  save_checkpoint(path, tiny.session.parameters(), {}, "one");
  CHECK_THROWS_WITH(load_checkpoint(path, tiny.session.parameters(), "two"),
                    Contains("another spec") && Contains("--output"));
  TinyDenseNet wider;
  wider.growth_rate = 6;
  TinySession other(tiny_densenet(wider), 4);
  CHECK_THROWS_WITH(load_checkpoint(path, other.session.parameters(), "one"),
                    Contains("another shape"));
  TinySession momentum(tiny_densenet({}), 4, {}, 1, with_momentum());
  CHECK_THROWS_WITH(load_checkpoint(path, momentum.session.parameters(), "one"),
                    Contains("optimizer.momentum"));
}

TEST_CASE("a folder knows its newest checkpoint and keeps as many as asked") {
  const std::string folder = scratch("folder");
  fs::remove_all(folder);
  fs::create_directories(folder);
  const CheckpointFolder checkpoints(folder);
  CHECK_FALSE(checkpoints.newest().has_value());
  TinySession tiny(tiny_densenet({}), 2);
  for (const std::int64_t step : {9, 10, 100}) {
    TrainingProgress progress;
    progress.global_step = step;
    save_checkpoint(checkpoints.path_for(progress), tiny.session.parameters(), progress, "x");
  }
  std::ofstream(folder + "/step_0000000999.safetensors.tmp") << "half";
  CHECK(checkpoints.newest()->find("step_0000000100") != std::string::npos);
  checkpoints.prune(2);
  CHECK(fs::exists(folder + "/step_0000000010.safetensors"));
  CHECK_FALSE(fs::exists(folder + "/step_0000000009.safetensors"));
}

TEST_CASE("writing where it is not possible says where and leaves nothing") {
  TinySession tiny(tiny_densenet({}), 2);
  CHECK_THROWS_WITH(save_weights("no/such/folder/w.safetensors", tiny.session.parameters()),
                    Contains("no/such/folder/w.safetensors"));
}

TEST_CASE("damaged safetensors files are refused with the reason") {
  const std::string path = scratch("bad.safetensors");
  const std::string one = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  write_raw(path, one, "abcd");
  CHECK(read_safetensors(path).arrays.size() == 1);

  write_raw(path, one, "abc");
  CHECK_THROWS_WITH(read_safetensors(path), Contains("truncated or damaged"));
  write_raw(path, one, "abcdefgh");
  CHECK_THROWS_WITH(read_safetensors(path), Contains("truncated or damaged"));
  write_raw(path, R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "abcd");
  CHECK_THROWS_WITH(read_safetensors(path), Contains("do not match its shape"));
  write_raw(path, R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", "abcd");
  CHECK_THROWS_WITH(read_safetensors(path), Contains("F16"));
  write_raw(path, R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "abcd");
  CHECK_THROWS_WITH(read_safetensors(path), Contains("whole numbers"));
  write_raw(path,
            R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
            R"("b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
            "abcdef");
  CHECK_THROWS_WITH(read_safetensors(path), Contains("gap or overlap"));
  write_raw(path,
            R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
            R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
            "abcdefgh");
  CHECK_THROWS_WITH(read_safetensors(path), Contains("twice"));
  write_raw(path, R"({"a":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,4]}})",
            "abcd");
  CHECK_THROWS_WITH(read_safetensors(path), Contains("do not match its shape"));
  write_raw(path, R"({"a":7})", "");
  CHECK_THROWS_WITH(read_safetensors(path), Contains("malformed"));
  write_raw(path, "[1]", "");
  CHECK_THROWS_WITH(read_safetensors(path), Contains("not a JSON object"));
  std::ofstream(path, std::ios::binary) << "\xff\xff\xff\xff\xff\xff\xff\x7f{}";
  CHECK_THROWS_WITH(read_safetensors(path), Contains("header length"));
  CHECK_THROWS_WITH(read_safetensors(scratch("absent")), Contains("cannot read"));
}

}  // namespace accrete::test
