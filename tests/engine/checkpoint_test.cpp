// SPDX-License-Identifier: Apache-2.0
// Checkpoints and the safetensors files they are: round trips, and files that lie.
#include "accrete/engine/checkpoint.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>

#include "accrete/engine/safetensors.h"
#include "accrete/kernels/error.h"
#include "checkpoint_metadata.h"
#include "engine/tiny_models.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/files.h"

namespace accrete::test {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

std::string scratch(const std::string& name) {
  const fs::path folder = fs::path("checkpoint_test_files");
  fs::create_directories(folder);
  return (folder / name).string();
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
  const TrainingProgress progress{3,  2,         17,    0.1 + 0.2,           41,
                                  64, 1.0 / 3.0, 0.875, {"test_acc", 2, 0.7}};
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
  CHECK(restored.best.metric == "test_acc");
  CHECK(restored.best.epoch == 2);
  CHECK(restored.best.value == 0.7);

  save_checkpoint(scratch("b.safetensors"), second.session.parameters(), restored, "f00d");
  CHECK(content_of(scratch("a.safetensors")) == content_of(scratch("b.safetensors")));
  CHECK_FALSE(fs::exists(scratch("a.safetensors.tmp")));
}

TEST_CASE("what is NaN or infinite is not written, and what was written before stays") {
  TinySession tiny(tiny_densenet({}), 4, {}, 1, with_momentum());
  const ParameterStore& store = tiny.session.parameters();
  save_checkpoint(scratch("good.safetensors"), store, {}, "x");
  const std::string good = content_of(scratch("good.safetensors"));
  for (const char* name : {"stem.weight", "transition.norm.running_var", "classifier.bias"}) {
    const StoredTensor* tensor = store.find(name);
    REQUIRE(tensor != nullptr);
    const float before = tensor->view.f32()[0];
    tensor->view.f32()[0] = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_WITH(save_checkpoint(scratch("good.safetensors"), store, {}, "x"),
                      Contains(name) && Contains("was not written"));
    CHECK_THROWS_WITH(save_weights(scratch("none.safetensors"), store), Contains(name));
    tensor->view.f32()[0] = before;
  }
  CHECK(content_of(scratch("good.safetensors")) == good);
  CHECK_FALSE(fs::exists(scratch("none.safetensors")));
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
                    Contains("another spec or other data, so the run cannot go on from it;") &&
                        Contains("--output"));
  TinyDenseNet wider;
  wider.growth_rate = 6;
  TinySession other(tiny_densenet(wider), 4);
  CHECK_THROWS_WITH(load_checkpoint(path, other.session.parameters(), "one"),
                    Contains("another shape"));
  TinySession momentum(tiny_densenet({}), 4, {}, 1, with_momentum());
  CHECK_THROWS_WITH(load_checkpoint(path, momentum.session.parameters(), "one"),
                    Contains("optimizer.momentum"));
}

namespace {

// The weights of a small net as a file, changed by `change`, read into another such net.
void load_changed(const std::function<void(SafetensorsFile&)>& change,
                  const std::vector<LayerAlias>& aliases = {}) {
  TinySession tiny(tiny_densenet({}), 4, {}, 1, with_momentum());
  const std::string path = scratch("changed.safetensors");
  save_weights(path, tiny.session.parameters());
  SafetensorsFile file = read_safetensors(path);
  change(file);
  write_safetensors(path, file);
  const std::vector<float> before = tiny.stored_values();
  try {
    load_weights(path, tiny.session.parameters(), aliases);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::weights);
    CHECK(exact_difference(tiny.stored_values(), before).empty());
    throw;
  }
}

NamedArray& array_of(SafetensorsFile& file, const std::string& name) {
  for (NamedArray& array : file.arrays) {
    if (array.name == name) {
      return array;
    }
  }
  FAIL("no array " << name);
  return file.arrays.front();
}

float from_bits(std::uint32_t bits) {
  float value = 0.0F;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

void rename(SafetensorsFile& file, const std::string& from, const std::string& to) {
  for (const char* part : {".weight", ".bias"}) {
    array_of(file, from + part).name = to + part;
  }
}

}  // namespace

TEST_CASE("values that are NaN or infinite are refused by the tensor's name") {
  for (const std::uint32_t bits :
       {0x7F800000U, 0xFF800000U, 0x7FC00000U, 0xFFFFFFFFU, 0x7F800001U}) {
    CHECK_THROWS_WITH(load_changed([&](auto& file) {
                        array_of(file, "stem.weight").values.back() = from_bits(bits);
                      }),
                      Contains("stem.weight") && Contains("NaN or infinite"));
  }
  for (const std::uint32_t bits : {0x7F7FFFFFU, 0xFF7FFFFFU, 0x00000001U, 0x80000000U}) {
    CHECK_NOTHROW(load_changed(
        [&](auto& file) { array_of(file, "stem.weight").values[0] = from_bits(bits); }));
  }
}

TEST_CASE("a checkpoint whose momentum is NaN is refused, its weights alone are not") {
  TinySession tiny(tiny_densenet({}), 4, {}, 1, with_momentum());
  const std::string path = scratch("nan.safetensors");
  save_checkpoint(path, tiny.session.parameters(), {}, "one");
  SafetensorsFile file = read_safetensors(path);
  array_of(file, "optimizer.momentum.stem.weight").values[3] = from_bits(0x7FC00000U);
  seal(file);
  write_safetensors(path, file);
  CHECK_THROWS_WITH(load_checkpoint(path, tiny.session.parameters(), "one"),
                    Contains("optimizer.momentum.stem.weight") && Contains("NaN or infinite"));
  CHECK_NOTHROW(load_weights(path, tiny.session.parameters()));
}

TEST_CASE("a layer is read under the other name that the model gives") {
  const std::vector<LayerAlias> aliases = {{"classifier", "fc"}};
  CHECK_NOTHROW(load_changed([](auto&) {}, aliases));
  const auto renamed = [](auto& file) { rename(file, "classifier", "fc"); };
  CHECK_NOTHROW(load_changed(renamed, aliases));
  CHECK_THROWS_WITH(load_changed(renamed), Contains("has no tensor classifier.weight"));
  CHECK_THROWS_WITH(load_changed([](auto& file) { rename(file, "classifier", "fcx"); }, aliases),
                    Contains("has no tensor classifier.weight"));
  CHECK_THROWS_WITH(load_changed(
                        [](auto& file) {
                          file.arrays.push_back({"fc.weight", {1}, {0.0F}});
                        },
                        aliases),
                    Contains("fc.weight") && Contains("1 tensors"));
}

TEST_CASE("progress that no run can have is refused") {
  TinySession tiny(tiny_densenet({}), 4);
  const std::string path = scratch("progress.safetensors");
  const TrainingProgress usual{3, 2, 17, 1.5, 41, 64, 0.5, 0.875, {"test_loss", 3, 0.5}};
  save_checkpoint(path, tiny.session.parameters(), usual, "one");
  const SafetensorsFile good = read_safetensors(path);
  for (const auto& [key, values] : std::map<std::string, std::vector<const char*>>{
           {"epoch", {"-1", "1000001", "9223372036854775808", "1e3", "", " 3", "3 ", "0x3"}},
           {"step_in_epoch", {"-2", "18", "9223372036854775807"}},
           {"global_step", {"-17", "9223372036854775807"}},
           {"samples", {"-64", "40", "9223372036854775807"}},
           {"correct", {"-1", "65", "nan"}},
           {"loss_sum", {"inf", "-inf", "nan", "1e999", "1.5x", ""}},
           {"last_train_loss", {"infinity", "nan(7)"}},
           {"last_train_accuracy", {"-nan", "INF"}},
           {"best_epoch", {"-1", "4", "x"}},
           {"best_value", {"nan", "inf", ""}}}) {
    for (const char* value : values) {
      SafetensorsFile file = good;
      file.metadata["accrete." + key] = value;
      seal(file);
      write_safetensors(path, file);
      INFO(key << " " << value);
      CHECK_THROWS_WITH(load_checkpoint(path, tiny.session.parameters(), "one"),
                        Contains("no checkpoint of a training run"));
    }
  }
}

TEST_CASE("the first key that differs from the run's is named, with both values") {
  TinySession tiny(tiny_densenet({}), 4);
  const std::string path = scratch("fingerprint.safetensors");
  const std::string run = R"({"model":{"a":[1,2]},"data":{"images":64,"sum":7},"seed":0})";
  save_checkpoint(path, tiny.session.parameters(), {}, run);
  const auto message = [&](const std::string& other) {
    try {
      load_checkpoint(path, tiny.session.parameters(), other);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::weights);
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message(run).empty());
  CHECK_THAT(message(R"({"model":{"a":[1,2]},"data":{"images":16,"sum":9},"seed":0})"),
             Contains("from it: /data/images was 64 and is 16;"));
  CHECK_THAT(message(R"({"model":{"a":[1,3]},"data":{"images":16,"sum":9},"seed":0})"),
             Contains("/model/a was [1,2] and is [1,3];"));
  CHECK_THAT(message(R"({"model":{"a":[1,2]},"data":{"images":64,"sum":7}})"),
             Contains("/seed was 0 and is absent;"));
  CHECK_THAT(message(R"({"model":{"a":[1,2]},"data":{"images":64,"sum":7},"seed":0,"b":{}})"),
             Contains("/b was absent and is {};"));
  CHECK_THAT(message("no JSON"), Contains("cannot go on from it; use the same"));
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
