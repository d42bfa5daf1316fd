// SPDX-License-Identifier: Apache-2.0
// Checkpoints whose bytes are not those that were written.
#include <filesystem>
#include <random>

#include "accrete/engine/checkpoint.h"
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
  fs::create_directories("checkpoint_damage_files");
  return "checkpoint_damage_files/" + name;
}

// A checkpoint of a small net, and the net.
struct Saved {
  explicit Saved(const std::string& name) : path(scratch(name)), tiny(tiny_densenet({}), 4) {
    tiny.step(0.1, 0);
    save_checkpoint(path, tiny.session.parameters(), {3, 2, 17, 1.5, 41, 64, 0.5, 0.875}, "{}");
    bytes = content_of(path);
  }

  // Whether the file is refused as damaged, the net being left as it was.
  bool is_noticed() {
    const std::vector<float> before = tiny.stored_values();
    try {
      load_checkpoint(path, tiny.session.parameters(), "{}");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::weights);
      CHECK(exact_difference(tiny.stored_values(), before).empty());
      return true;
    }
    return false;
  }

  std::string path;
  TinySession tiny;
  std::string bytes;
};

}  // namespace

TEST_CASE("every bit of the header that is flipped is noticed") {
  Saved saved("header.safetensors");
  const std::size_t header = content_of(saved.path).find("]}}") + 3 + 7;
  for (std::size_t byte = 0; byte < header; ++byte) {
    const auto bit = static_cast<unsigned>(byte % 8);
    std::string bytes = saved.bytes;
    bytes[byte] = static_cast<char>(static_cast<unsigned char>(bytes[byte]) ^ (1U << bit));
    write_plain(saved.path, bytes);
    INFO("bit " << bit << " of byte " << byte);
    REQUIRE(saved.is_noticed());
  }
}

TEST_CASE("any bit that is flipped is noticed, and so is any byte that is missing or added") {
  Saved saved("any.safetensors");
  std::mt19937 random(7);
  std::uniform_int_distribution<std::size_t> position(0, saved.bytes.size() - 1);
  for (int i = 0; i < 400; ++i) {
    const std::size_t byte = position(random);
    std::string bytes = saved.bytes;
    bytes[byte] = static_cast<char>(static_cast<unsigned char>(bytes[byte]) ^ (1U << (i % 8)));
    write_plain(saved.path, bytes);
    INFO("bit " << i % 8 << " of byte " << byte);
    REQUIRE(saved.is_noticed());
    write_plain(saved.path, saved.bytes.substr(0, byte));
    REQUIRE(saved.is_noticed());
  }
  write_plain(saved.path, saved.bytes + "x");
  CHECK(saved.is_noticed());
  write_plain(saved.path, saved.bytes);
  CHECK_FALSE(saved.is_noticed());
}

TEST_CASE("the message names the tensor, or the progress, whose checksum is another") {
  Saved saved("named.safetensors");
  SafetensorsFile file = read_safetensors(saved.path);
  const std::string first = file.arrays[0].name;
  file.arrays[0].values[1] += 1.0F;
  write_safetensors(saved.path, file);
  CHECK_THROWS_WITH(Checkpoint(saved.path), Contains("is damaged: the checksum of " + first));
  file.arrays[0].values[1] -= 1.0F;
  std::swap(file.arrays[0], file.arrays[1]);  // both whole, in each other's place
  write_safetensors(saved.path, file);
  CHECK_THROWS_WITH(Checkpoint(saved.path), Contains("is damaged: the checksum of "));
  std::swap(file.arrays[0], file.arrays[1]);
  file.metadata["accrete.epoch"] = "4";
  write_safetensors(saved.path, file);
  CHECK_THROWS_WITH(Checkpoint(saved.path), Contains("is damaged: the checksum of its progress"));
  file.metadata["accrete.epoch"] = "3";
  file.arrays.pop_back();
  write_safetensors(saved.path, file);
  CHECK_THROWS_WITH(Checkpoint(saved.path), Contains("is damaged: it has"));
}

TEST_CASE("a file of weights and a checkpoint without checksums are told apart") {
  Saved saved("others.safetensors");
  save_weights(saved.path, saved.tiny.session.parameters());
  CHECK_THROWS_WITH(Checkpoint(saved.path), Contains("holds weights, but no state of a run"));
  write_plain(saved.path, saved.bytes);
  SafetensorsFile file = read_safetensors(saved.path);
  file.metadata.erase("accrete.crc32c");
  write_safetensors(saved.path, file);
  CHECK_THROWS_WITH(Checkpoint(saved.path), Contains("has no checksums"));
  seal(file);
  write_safetensors(saved.path, file);
  CHECK(content_of(saved.path) == saved.bytes);
}

}  // namespace accrete::test
