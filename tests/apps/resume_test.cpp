// SPDX-License-Identifier: Apache-2.0
// Which checkpoint a run goes on from, when it refuses to, and which one is the best.
#include <filesystem>
#include <fstream>

#include "accrete/engine/checkpoint.h"
#include "apps/command.h"
#include "support/catch.h"
#include "support/idx_content.h"

namespace accrete::test {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

std::string step(int number) {
  return fs::path(CheckpointFolder("").path_for({0, 0, number})).filename().string();
}

// A run of five steps an epoch in a folder of its own.
class Run {
 public:
  explicit Run(const std::string& name, std::string flags = "")
      : folder_(fresh_folder(name)), flags_(std::move(flags)) {}

  std::string path(const std::string& file = "") const { return folder_ + "/run" + file; }
  std::string checkpoint(int number) const { return path("/checkpoints/" + step(number)); }

  CommandResult train_with(const std::string& more) const {
    return run_command(
        train(tiny_spec(folder_) + " " + flags_ + " --output " + path() + " " + more));
  }
  CommandResult good(const std::string& more) const { return ending(more, 0); }
  CommandResult ending(const std::string& more, int exit_code) const {
    CommandResult result = train_with(more);
    INFO(more << "\n" << result.output);
    REQUIRE(result.exit_code == exit_code);
    return result;
  }

 private:
  std::string folder_;
  std::string flags_;
};

void flip_bit(const std::string& path, std::uintmax_t byte) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(byte));
  const int old = file.get();
  file.seekp(static_cast<std::streamoff>(byte));
  file.put(static_cast<char>(old ^ 4));
}

bool same_results(const Run& a, const Run& b) {
  return same_content(a.checkpoint(10), b.checkpoint(10)) &&
         same_content(a.path("/metrics.jsonl"), b.path("/metrics.jsonl")) &&
         same_content(a.path("/config.json"), b.path("/config.json")) &&
         same_content(a.path("/model.safetensors"), b.path("/model.safetensors"));
}

}  // namespace

TEST_CASE("the newest checkpoint is gone on from, whatever files are called") {
  const Run run("newest", "--set checkpoint.keep=0");
  run.good("-q --stop-after 3");
  const std::vector<std::string> copies = {"step_best.safetensors", step(99), "backup.safetensors",
                                           "step_0000000003.safetensors.old"};
  for (const std::string& copy : copies) {
    fs::copy_file(run.checkpoint(3), run.path("/checkpoints/" + copy));
  }
  run.good("--resume auto --stop-after 4");
  CHECK(fs::exists(run.checkpoint(7)));
  CHECK_FALSE(fs::exists(run.checkpoint(3)));
  CHECK_THAT(run.good("--resume auto --stop-after 1").output,
             Contains("going on from " + run.checkpoint(7) + " (step 7)"));
  for (const std::string& copy : copies) {
    CHECK(fs::exists(run.path("/checkpoints/" + copy)));
  }
}

TEST_CASE("an older checkpoint is gone on from only if newer ones are to be given up") {
  const Run run("older", "--set checkpoint.keep=5");
  run.good("-q --stop-after 3");
  run.good("-q --resume auto --stop-after 4");
  const std::string older = "-q --resume " + run.checkpoint(3);
  CHECK_THAT(run.ending(older, 2).output,
             Contains("holds newer checkpoints than") && Contains(run.checkpoint(7)));
  CHECK(fs::exists(run.checkpoint(7)));
  run.good(older + " --overwrite --stop-after 1");
  CHECK(fs::exists(run.checkpoint(4)));
  CHECK_FALSE(fs::exists(run.checkpoint(7)));
  CHECK_FALSE(fs::exists(run.checkpoint(5)));
  CHECK(content_of(run.path("/metrics.jsonl")).empty());
  CHECK_THAT(run.ending("-q --resume " + run.checkpoint(3), 2).output, Contains("newer"));
  const Run whole("older_whole", "--set checkpoint.keep=5");
  whole.good("-q");
  run.good("-q --resume auto");
  CHECK(same_results(run, whole));
}

TEST_CASE("a run goes on from another folder's checkpoint, but not into another run's results") {
  const Run first("first_folder");
  first.good("-q");
  const Run second("second_folder");
  second.good("-q --stop-after 2");
  const std::string elsewhere = "-q --resume " + first.checkpoint(5);
  CHECK_THAT(second.ending(elsewhere, 2).output, Contains("holds the results"));
  CHECK(fs::exists(second.checkpoint(2)));
  second.good(elsewhere + " --overwrite");
  CHECK_FALSE(fs::exists(second.checkpoint(2)));
  CHECK(same_content(first.checkpoint(10), second.checkpoint(10)));
}

TEST_CASE("a damaged newest checkpoint is passed over and said to be") {
  const Run whole("undamaged");
  whole.good("-q");
  const Run run("damaged");
  run.good("-q --stop-after 8");
  const auto bytes = fs::file_size(run.checkpoint(8));
  const std::string good = content_of(run.checkpoint(8));
  for (const std::uintmax_t byte : {std::uintmax_t{3}, std::uintmax_t{40}, bytes / 2, bytes - 1}) {
    write_plain(run.checkpoint(8), good);
    flip_bit(run.checkpoint(8), byte);
    const CommandResult result = run.good("--resume auto --stop-after 1");
    INFO(result.output);
    CHECK_THAT(result.output, Contains("note: passed over as damaged: " + run.checkpoint(8)));
    CHECK_THAT(result.output, Contains("going on from " + run.checkpoint(5)));
    CHECK_FALSE(fs::exists(run.checkpoint(8)));  // what is beyond the new one at 6
    fs::remove(run.checkpoint(6));
  }
  write_plain(run.checkpoint(8), good.substr(0, good.size() - 1));
  CHECK_THAT(run.good("-q --resume auto").output, Contains("passed over as damaged"));
  CHECK(same_results(run, whole));
  CHECK_THAT(run.ending("--resume " + run.checkpoint(5), 2).output, Contains("newer checkpoints"));
  flip_bit(run.checkpoint(10), bytes / 2);
  CHECK_THAT(run.ending("--resume " + run.checkpoint(10), 6).output,
             Contains("is damaged: the che"));
  flip_bit(run.checkpoint(5), bytes / 2);
  CHECK_THAT(run.ending("--resume auto", 6).output, Contains("every checkpoint of"));
}

TEST_CASE("a damaged checkpoint takes no good one's place") {
  const Run whole("unharmed");
  whole.good("-q");
  const Run run("damaged_again");
  run.good("-q --stop-after 6");
  for (const int at : {6, 7}) {
    // Its header is whole: only reading all of it tells.
    flip_bit(run.checkpoint(at), fs::file_size(run.checkpoint(at)) - 100);
    const CommandResult result =
        run.good("-q --resume auto --stop-after " + std::to_string(at - 4));
    CHECK_THAT(result.output, Contains("passed over as damaged: " + run.checkpoint(at)));
    CHECK_FALSE(fs::exists(run.checkpoint(at)));
    CHECK(fs::exists(run.checkpoint(5)));
    CHECK(fs::exists(run.checkpoint(at + 1)));
  }
  fs::resize_file(run.checkpoint(8), 1000);
  // Files of other names are passed over, too, but are not this program's to remove.
  fs::copy_file(run.checkpoint(8), run.path("/checkpoints/step_8.safetensors"));
  fs::copy_file(run.checkpoint(5), run.path("/checkpoints/step_00000000099.safetensors"));
  flip_bit(run.path("/checkpoints/step_00000000099.safetensors"), 9);
  run.good("-q --resume auto");
  CHECK_FALSE(fs::exists(run.checkpoint(8)));
  CHECK(fs::exists(run.path("/checkpoints/step_8.safetensors")));
  CHECK(fs::exists(run.path("/checkpoints/step_00000000099.safetensors")));
  CHECK(same_results(run, whole));
}

TEST_CASE("another build is told of, and only when a run goes on") {
  const Run run("build");
  CHECK_THAT(run.good("--stop-after 3").output, !Contains("note:"));
  const std::string build = content_of(run.path("/build.json"));
  CHECK_THAT(run.good("--resume auto --stop-after 1").output, !Contains("note:"));
  write_plain(run.path("/build.json"), "{\"commit\": \"other\"}");
  CHECK_THAT(run.good("-q --resume auto").output, Contains("note: another build has begun"));
  CHECK(content_of(run.path("/build.json")) == build);
}

TEST_CASE("fewer epochs than are done are refused, as many or more are not") {
  const Run run("epochs", "-q --set training.schedule.type=constant");
  run.good("--stop-after 17 --set training.epochs=5");
  for (const char* epochs : {"1", "2", "3"}) {
    CHECK_THAT(run.ending(std::string("--resume auto --set training.epochs=") + epochs, 2).output,
               Contains(std::string("/training/epochs is ") + epochs + ", but " +
                        run.checkpoint(17) + " has 3 finished epochs and 2 steps of the next"));
    CHECK_THAT(content_of(run.path("/config.json")), Contains("\"epochs\": 5"));
  }
  run.good("--resume auto --set training.epochs=4");
  CHECK_THAT(content_of(run.path("/config.json")), Contains("\"epochs\": 4"));
  run.ending("--resume auto --set training.epochs=3", 2);
  run.good("--resume auto --set training.epochs=4");
  run.good("--resume auto --set training.epochs=5");
  const Run cosine("cosine_epochs", "-q");
  cosine.good("");
  CHECK_THAT(cosine.ending("--resume auto --set training.epochs=3", 6).output,
             Contains("/training/epochs was 2 and is 3"));
}

TEST_CASE("a run does not go on with other data, and the difference is named") {
  const Run run("data", "-q --set data.dataset=fashion_mnist --set model.num_classes=10");
  const auto with_data = [&](const std::string& name) {
    return "--set data.path=" + run.path("_" + name) + " --resume auto";
  };
  const auto write_set = [&](const std::string& name, std::uint32_t images, std::uint32_t tests) {
    write_split(run.path("_" + name), "train", images, 12, 12);
    write_split(run.path("_" + name), "t10k", tests, 12, 12);
  };
  write_set("good", 64, 20);
  run.good(with_data("good") + " --stop-after 3");
  write_set("fewer", 16, 20);
  write_set("tests", 64, 21);
  write_set("pixel", 64, 20);
  flip_bit(run.path("_pixel") + "/train-images-idx3-ubyte", 1000);
  write_set("label", 64, 20);
  flip_bit(run.path("_label") + "/train-labels-idx1-ubyte", 8);
  write_set("test_pixel", 64, 20);
  flip_bit(run.path("_test_pixel") + "/t10k-images-idx3-ubyte", 1000);
  for (const auto& [name, difference] :
       {std::pair{"fewer", "/data/training_set/images was 64 and is 16"},
        std::pair{"tests", "/data/test_set/images was 20 and is 21"},
        std::pair{"pixel", "/data/training_set/pixels_and_labels_crc32c was "},
        std::pair{"label", "/data/training_set/pixels_and_labels_crc32c was "},
        std::pair{"test_pixel", "/data/test_set/pixels_and_labels_crc32c was "}}) {
    INFO(name);
    CHECK_THAT(run.ending(with_data(name), 6).output, Contains(difference));
  }
  fs::rename(run.path("_good"), run.path("_moved"));
  run.good(with_data("moved"));
}

TEST_CASE("lines of metrics are those of the checkpoint, whatever was written since") {
  const Run whole("lines_whole");
  whole.good("-q");
  const std::string lines = content_of(whole.path("/metrics.jsonl"));
  const std::string first = lines.substr(0, lines.find('\n') + 1);
  const std::string second = lines.substr(first.size());
  const Run run("lines");
  for (const auto& [found, notes] :
       {std::pair{lines, ""}, std::pair{first + second.substr(0, 20), ""}, std::pair{first, ""},
        std::pair{first + "{\"epoch\":2,\"loss\":1}\n", "1 lines of"},
        std::pair{"garbage\n" + first + first, "2 lines of"},
        std::pair{first + second + "\n\n", "2 lines of"}}) {
    fs::remove_all(run.path());
    run.good("-q --stop-after 7");
    write_plain(run.path("/metrics.jsonl"), found);
    const CommandResult result = run.good("-q --resume auto");
    INFO(found << "\n" << result.output);
    CHECK(same_results(run, whole));
    CHECK_THAT(result.output, Contains(notes));
    CHECK((result.output.find("note:") != std::string::npos) == (*notes != '\0'));
  }
}

}  // namespace accrete::test
