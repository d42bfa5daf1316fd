// SPDX-License-Identifier: Apache-2.0
// make_corpus FOLDER: writes small valid and almost valid inputs to FOLDER/TARGET, from which the
// fuzz targets start.
#include <zlib.h>

#include <filesystem>
#include <random>
#include <vector>

#include "accrete/engine/checkpoint.h"
#include "fuzz/fuzz_target.h"
#include "fuzz/tiny_run.h"
#include "support/files.h"

namespace accrete::fuzz {
namespace {

namespace fs = std::filesystem;
using test::content_of;
using test::repeated;

class Corpus {
 public:
  Corpus(const fs::path& folder, const std::string& target) : folder_(folder / target) {
    fs::create_directories(folder_);
  }
  void add(const std::string& bytes) {
    test::write_plain(folder_ / ("seed" + std::to_string(count_++)), bytes);
  }

 private:
  fs::path folder_;
  int count_ = 0;
};

std::string spec_with(const std::string& model, const std::string& data,
                      const std::string& training, const std::string& more = "") {
  return R"({"model":{)" + model + R"(},"data":{)" + data + R"(},"training":{)" + training + "}" +
         more + "}";
}

void make_specs(const fs::path& folder) {
  Corpus corpus(folder, "spec");
  for (const auto& entry : fs::directory_iterator(SPEC_FOLDER)) {
    corpus.add(content_of(entry.path()));
  }
  const std::string synthetic =
      R"("dataset":"synthetic","synthetic":{"image_size":8,"channels":1})";
  corpus.add(spec_with(R"("blocks":[1,1],"growth_rate":2)", synthetic, R"("epochs":3)"));
  corpus.add(spec_with(R"("type":"resnet","stages":[1,1],"width":3)", synthetic,
                       R"("precision":"bf16","optimizer":{"type":"adam"})",
                       R"(,"checkpoint":{"keep":1},"memory":{"recompute":1})"));
  corpus.add(spec_with(R"("preset":"densenet_bc_100_12","dropout":0.2)",
                       R"("mean":[0.1],"std":[2])",
                       R"("schedule":{"type":"step","milestones":[0.5],"gamma":0.1})",
                       R"(,"memory":{"budget":"4GiB"})"));
  corpus.add(spec_with(R"("blocks":[199],"bottleneck_width":0,"growth_rate":1)", synthetic,
                       R"("schedule":{"type":"one_cycle"},"seed":9223372036854775807)"));
  corpus.add(spec_with(R"("blocks":[)" + repeated("1,", 2000) + "1]", "", ""));
  corpus.add(repeated(R"({"model":)", 4000) + "1" + repeated("}", 4000));
  corpus.add("// a comment\n" + spec_with("/**/", "", R"("epochs":1,"epochs":2)"));
}

void make_overrides(const fs::path& folder) {
  Corpus corpus(folder, "override");
  for (const char* text :
       {"training.epochs=3", "model.blocks=[1,2]\nmodel.growth_rate=4", "name=a=b",
        "data.dataset=synthetic\ndata.synthetic.channels=2",
        "training.optimizer={\"type\":\"adam\"}",
        "training.schedule.type=cosine\ntraining.schedule.final_fraction=0.1",
        "memory.budget=0.5KiB", "model.preset=resnet18\nmodel.width=8", "a.b.c.d.e=1", "=", "x",
        "training.optimizer.learning_rate=1e999", "name=\"\\ud800\"", "model.stem.kernel=[[[[["}) {
    corpus.add(text);
  }
  corpus.add(repeated("a.", 4000) + "a=1");
}

void make_byte_sizes(const fs::path& folder) {
  Corpus corpus(folder, "byte_size");
  for (const char* text : {"4GiB", "800MB", "1.5 TiB", "1e3KB", "0x10KB", "infGB", "1e-320KiB"}) {
    corpus.add(text);
  }
}

// Extents big-endian, then the bytes.
std::string idx(const std::vector<std::uint32_t>& extents, std::size_t bytes) {
  std::string file = {0, 0, 8, static_cast<char>(extents.size())};
  for (const std::uint32_t extent : extents) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
      file.push_back(static_cast<char>(extent >> shift & 0xFFU));
    }
  }
  return file + std::string(bytes, '\7');
}

std::string gzip(const std::string& bytes) {
  const std::string path = path_in_memory("gzip");
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return content_of(path);
}

void make_idx(const fs::path& folder) {
  Corpus corpus(folder, "idx");
  for (const std::string& file : {idx({3}, 3), idx({2, 2, 3}, 12), idx({1U << 31U, 4, 2}, 9),
                                  idx({5}, 3), idx({2, 2, 2}, 9), idx({0}, 0)}) {
    corpus.add(file);
    corpus.add(gzip(file));
  }
  corpus.add(gzip(idx({6}, 2)) + gzip(std::string(4, '\1')));
  corpus.add(gzip(idx({1U << 15U}, std::size_t{1} << 15U)));
}

// As safetensors_content() takes it: the file as it is, and with its length left to the target.
void add_safetensors(Corpus& corpus, const std::string& file) {
  corpus.add('\0' + file);
  corpus.add('\1' + file.substr(0, 3) + file.substr(8));
}

void make_safetensors(const fs::path& folder) {
  Corpus corpus(folder, "safetensors");
  Corpus checkpoints(folder, "checkpoint");
  const TinyRun run;
  const std::string path = path_in_memory("seed.safetensors");
  save_checkpoint(path, run.session->parameters(),
                  {1, 1, 3, 0.5, 2, 4, 0.7, 0.5, {"test_acc", 1, 0.5}}, kTinyFingerprint);
  add_safetensors(corpus, content_of(path));
  add_safetensors(checkpoints, content_of(path));
  save_weights(path, run.session->parameters());
  add_safetensors(corpus, content_of(path));
  add_safetensors(checkpoints, content_of(path));
  const std::string header =
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
      R"("n.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[8,16]}})";
  corpus.add(std::string("\1") + static_cast<char>(header.size()) + std::string(2, '\0') + header +
             std::string(16, '\0'));
}

void make_random(const fs::path& folder, const std::string& target, int bytes) {
  Corpus corpus(folder, target);
  std::mt19937 random(1);
  for (int i = 0; i < 32; ++i) {
    std::string text;
    for (int k = 0; k < bytes; ++k) {
      text.push_back(static_cast<char>(random() & 0xFFU));
    }
    corpus.add(text);
  }
}

}  // namespace
}  // namespace accrete::fuzz

int main(int argc, char** argv) {
  namespace fuzz = accrete::fuzz;
  if (argc != 2) {
    std::fputs("usage: make_corpus FOLDER\n", stderr);
    return 2;
  }
  fuzz::make_specs(argv[1]);
  fuzz::make_overrides(argv[1]);
  fuzz::make_byte_sizes(argv[1]);
  fuzz::make_idx(argv[1]);
  fuzz::make_safetensors(argv[1]);
  fuzz::make_random(argv[1], "lr_schedule", 64);
  fuzz::make_random(argv[1], "training", 120);
  return 0;
}
