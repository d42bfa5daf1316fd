// SPDX-License-Identifier: Apache-2.0
// Checkpoints and weight files, loaded into a small run. What was restored is saved and restored
// again.
#include "accrete/engine/checkpoint.h"

#include <vector>

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
  require(a.loss_sum == b.loss_sum && a.last_train_loss == b.last_train_loss &&
              a.last_train_accuracy == b.last_train_accuracy,
          "other sums when restored again");
}

}  // namespace
}  // namespace accrete::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace accrete;
  static fuzz::TinyRun run;
  static fuzz::MemoryFile input;
  static const std::string copy = fuzz::path_in_memory("copy.safetensors");
  const ParameterStore& store = run.session->parameters();
  input.set_content(fuzz::safetensors_content(data, size));
  TrainingProgress progress;
  if (fuzz::restores(store, [&] {
        progress = load_checkpoint(input.path(), store, fuzz::kTinyFingerprint);
      })) {
    save_checkpoint(copy, store, progress, fuzz::kTinyFingerprint);
    fuzz::check_equal(progress, load_checkpoint(copy, store, fuzz::kTinyFingerprint));
  }
  fuzz::restores(store, [&] { load_weights(input.path(), store); });
  return 0;
}
