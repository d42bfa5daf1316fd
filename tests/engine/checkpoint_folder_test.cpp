// SPDX-License-Identifier: Apache-2.0
// Which checkpoint of a folder is the newest, and which are removed.
#include <filesystem>
#include <fstream>
#include <set>

#include "accrete/engine/checkpoint.h"
#include "engine/tiny_models.h"
#include "support/catch.h"

namespace accrete::test {
namespace {

namespace fs = std::filesystem;

// A folder with checkpoints in it.
class Folder {
 public:
  explicit Folder(const std::string& name)
      : path_("checkpoint_folder_files/" + name), checkpoints_(path_), tiny_(tiny_densenet({}), 2) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }

  const CheckpointFolder& checkpoints() const { return checkpoints_; }
  std::string at(const std::string& name) const { return path_ + "/" + name; }

  // Saves what was reached at a step, under the name of another one if given.
  void save(std::int64_t step, const std::string& name = "") {
    TrainingProgress progress;
    progress.global_step = step;
    save_checkpoint(name.empty() ? checkpoints_.path_for(progress) : at(name),
                    tiny_.session.parameters(), progress, "x");
  }

  void write(const std::string& name) const { std::ofstream(at(name)) << "x"; }

  std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(path_)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  std::string newest() const { return fs::path(checkpoints_.newest().value_or("none")).filename(); }

 private:
  std::string path_;
  CheckpointFolder checkpoints_;
  TinySession tiny_;
};

std::string step(std::int64_t number) {
  return fs::path(CheckpointFolder("").path_for({0, 0, number})).filename();
}

}  // namespace

TEST_CASE("a folder knows its newest checkpoint and keeps as many older ones as asked") {
  Folder folder("usual");
  CHECK(folder.newest() == "none");
  for (const std::int64_t number : {9, 10, 100, 101}) {
    folder.save(number);
  }
  folder.write("step_0000000999.safetensors.tmp");
  CHECK(folder.newest() == step(101));
  folder.checkpoints().remove_older(101, 2);
  CHECK(folder.names() ==
        std::set<std::string>{step(10), step(100), step(101), "step_0000000999.safetensors.tmp"});
  folder.checkpoints().remove_older(101, 0);
  CHECK(folder.names() == std::set<std::string>{step(101), "step_0000000999.safetensors.tmp"});
}

TEST_CASE("the newest is what checkpoints say of themselves, not what they are called") {
  Folder folder("liars");
  folder.save(3, step(99));
  CHECK(folder.newest() == step(99));
  folder.save(7);
  CHECK(folder.newest() == step(7));
  folder.save(7, step(2));
  folder.save(7, "step_7.safetensors");
  CHECK(folder.newest() == step(7));
  folder.save(8, "best.safetensors");
  folder.save(9, "step_best.safetensors");
  folder.save(9, "backup.safetensors");
  CHECK(folder.newest() == step(7));
  // Renamed ones are not this program's to remove.
  const std::set<std::string> all = folder.names();
  folder.checkpoints().remove_older(7, 0);
  folder.checkpoints().remove_beyond(7);
  CHECK(folder.names() == all);
}

TEST_CASE("what was saved last stays, whatever lies beyond it") {
  Folder folder("beyond");
  for (const std::int64_t number : {3, 4, 7, 8}) {
    folder.save(number);
  }
  folder.write(step(9999999999));
  folder.write(step(10000000000));
  CHECK_FALSE(folder.checkpoints().best_step().has_value());
  folder.save(8, "best.safetensors");
  CHECK(folder.checkpoints().best_step() == 8);
  folder.checkpoints().remove_beyond(4);
  folder.checkpoints().remove_older(4, 1);
  CHECK(folder.names() == std::set<std::string>{"best.safetensors", step(3), step(4)});
}

TEST_CASE("a damaged checkpoint is listed where its name puts it, and is never the newest") {
  Folder folder("damaged");
  folder.save(3);
  folder.save(4);
  folder.save(5);
  fs::resize_file(folder.at(step(5)), fs::file_size(folder.at(step(5))) - 1);
  fs::create_directory(folder.at(step(6)));
  const auto entries = folder.checkpoints().entries();
  REQUIRE(entries.size() == 4);
  CHECK(entries[0].path == folder.at(step(6)));
  CHECK_FALSE(entries[0].readable);
  CHECK(entries[1].path == folder.at(step(5)));
  CHECK_FALSE(entries[1].readable);
  CHECK(entries[2].readable);
  CHECK(folder.newest() == step(4));
  // A damaged older one does not take the place of a good one.
  folder.save(7);
  fs::resize_file(folder.at(step(4)), 100);
  folder.checkpoints().remove_older(7, 1);
  CHECK(folder.names().count(step(3)) == 1);
  CHECK(folder.names().count(step(7)) == 1);
}

TEST_CASE("files beside the checkpoints are neither gone on from nor removed") {
  Folder folder("mixed");
  for (const char* name :
       {"step_best.safetensors", "step_.safetensors", "step_-1.safetensors", "step_12x.safetensors",
        "step_99.safetensors.tmp", "best_7.safetensors", "step_99999999999999999999.safetensors",
        "step_12.safetensors", "STEP_0000000012.safetensors"}) {
    folder.write(name);
  }
  CHECK(folder.newest() == "none");
  const std::set<std::string> all = folder.names();
  folder.checkpoints().remove_older(1, 0);
  folder.checkpoints().remove_beyond(-1);
  CHECK(folder.names() == all);
}

}  // namespace accrete::test
