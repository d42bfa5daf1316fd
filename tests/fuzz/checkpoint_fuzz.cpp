// SPDX-License-Identifier: Apache-2.0
// Checkpoints and weight files, loaded into a small run, as they are and with checksums that fit,
// which no input would find by itself. What was restored is saved and restored again.
#include "accrete/engine/checkpoint.h"

#include <vector>

#include "checkpoint_metadata.h"
#include "fuzz/fuzz_target.h"
#include "fuzz/tiny_run.h"

namespace accrete::fuzz {
namespace {

// What the file holds is taken as a whole or not at all.
template <class Load>
bool restores(const ParameterStore& store, Load&& load) {
  const auto now = [&] {
    return std::vector<std::byte>(store.base(), store.base() + store.bytes());
  };
  const std::vector<std::byte> before = now();
  const bool restored = answers({ErrorCode::weights}, load);
  require(restored || now() == before, "a file that is refused has changed the run");
  return restored;
}

void check_equal(const TrainingProgress& a, const TrainingProgress& b) {
  require(a.epoch == b.epoch && a.step_in_epoch == b.step_in_epoch &&
              a.global_step == b.global_step && a.correct == b.correct && a.samples == b.samples,
          "another cursor when restored again");
  require(a.best.metric == b.best.metric && a.best.epoch == b.best.epoch &&
              a.best.value == b.best.value,
          "another best epoch when restored again");
  require(a.loss_sum == b.loss_sum && a.last_train_loss == b.last_train_loss &&
              a.last_train_accuracy == b.last_train_accuracy,
          "other sums when restored again");
}

void load_as_checkpoint(const std::string& path, const ParameterStore& store) {
  static const std::string copy = path_in_memory("copy.safetensors");
  TrainingProgress progress;
  if (restores(store, [&] { progress = load_checkpoint(path, store, kTinyFingerprint); })) {
    save_checkpoint(copy, store, progress, kTinyFingerprint);
    check_equal(progress, load_checkpoint(copy, store, kTinyFingerprint));
  }
}

// The same content with right checksums, if it is a safetensors file at all.
void load_sealed(const std::string& content, const ParameterStore& store) {
  static const std::string sealed = path_in_memory("sealed.safetensors");
  SafetensorsFile file;
  if (answers({ErrorCode::weights}, [&] { file = parse_safetensors(content, "input"); })) {
    seal(file);
    write_safetensors(sealed, file);
    load_as_checkpoint(sealed, store);
  }
}

}  // namespace
}  // namespace accrete::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace accrete;
  static fuzz::TinyRun run;
  static fuzz::MemoryFile input;
  const ParameterStore& store = run.session->parameters();
  const std::string content = fuzz::safetensors_content(data, size);
  input.set_content(content);
  fuzz::load_as_checkpoint(input.path(), store);
  fuzz::load_sealed(content, store);
  fuzz::restores(store, [&] { load_weights(input.path(), store); });
  return 0;
}
