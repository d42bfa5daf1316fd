// SPDX-License-Identifier: Apache-2.0
#include "run_start.h"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "accrete/kernels/crc32c.h"
#include "accrete/kernels/error.h"
#include "run_setup.h"
#include "steps.h"

namespace accrete::apps {
namespace {

namespace fs = std::filesystem;
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

bool lies_in(const std::string& folder, const std::string& file) {
  const fs::path parent = fs::path(file).parent_path();
  std::error_code status;
  return fs::equivalent(folder, parent.empty() ? fs::path(".") : parent, status);
}

class RunStarter {
 public:
  RunStarter(const TrainOptions& options, const models::RunSpec& spec, const RunExtent& extent,
             RunFolder& folder, TrainingSession& session)
      : options_(options), spec_(spec), extent_(extent), folder_(folder), session_(session) {}

  RunStart start() {
    if (!folder_.is_locked()) {
      start_.notes.push_back("the file system of " + folder_.path() +
                             " has no locks: a second run there would not be noticed");
    }
    std::optional<Checkpoint> checkpoint = checkpoint_to_go_on_from();
    if (checkpoint) {
      resume(std::move(*checkpoint));
    } else {
      begin_anew();
    }
    if (const std::string metric = models::name_of(spec_.checkpoint.best);
        start_.progress.best.metric != metric) {
      start_.progress.best = {};  // another metric has its best from here on
    }
    for (std::string& note : folder_.begin(start_.progress, models::resolved_spec(spec_))) {
      start_.notes.push_back(std::move(note));
    }
    return std::move(start_);
  }

 private:
  std::optional<Checkpoint> checkpoint_to_go_on_from() {
    if (options_.resume.empty()) {
      return std::nullopt;
    }
    return options_.resume == "auto" ? newest_whole() : Checkpoint(options_.resume);
  }

  std::vector<CheckpointFolder::Entry> candidates() const {
    std::vector<CheckpointFolder::Entry> found = folder_.checkpoints().entries();
    if (fs::exists(folder_.checkpoints().best())) {
      found.push_back({folder_.checkpoints().best()});
    }
    return found;
  }

  // The newest checkpoint that is not damaged, the best one if all others are. None if there are
  // none.
  std::optional<Checkpoint> newest_whole() {
    std::string reason;
    for (const CheckpointFolder::Entry& entry : candidates()) {
      try {
        return Checkpoint(entry.path);
      } catch (const Error& error) {
        reason = error.what();
        start_.notes.push_back("passed over as damaged: " + reason);
        if (entry.own) {
          folder_.pass_over(entry.path);
        }
      }
    }
    if (!reason.empty()) {
      throw Error(ErrorCode::weights,
                  "every checkpoint of " + folder_.path() +
                      " is damaged; start afresh in another --output. Of the last: " + reason);
    }
    return std::nullopt;
  }

  void resume(Checkpoint checkpoint) {
    checkpoint.require_fingerprint(extent_.fingerprint);
    require_fit(checkpoint);
    require_nothing_lost(checkpoint);
    start_.progress = checkpoint.progress();
    start_.resumed_from = checkpoint.path();
    std::move(checkpoint).restore(session_.parameters());
    session_.upload_parameters();
    if (options_.overwrite && !is_of_folder(start_.resumed_from)) {
      folder_.give_up_results();
    } else if (options_.overwrite) {
      folder_.give_up_beyond(start_.progress);
    }
  }

  void require_fit(const Checkpoint& checkpoint) const {
    const TrainingProgress& at = checkpoint.progress();
    if (at.epoch + (at.step_in_epoch > 0 ? 1 : 0) > extent_.epochs) {
      throw Error(ErrorCode::spec,
                  "/training/epochs is " + std::to_string(extent_.epochs) + ", but " +
                      checkpoint.path() + " has " + std::to_string(at.epoch) +
                      " finished epochs and " + std::to_string(at.step_in_epoch) +
                      " steps of the next; ask for as many epochs at least, or start afresh in "
                      "another --output");
    }
    if (at.step_in_epoch > extent_.steps_per_epoch ||
        at.global_step != at.epoch * extent_.steps_per_epoch + at.step_in_epoch) {
      throw Error(ErrorCode::weights, checkpoint.path() +
                                          " is no checkpoint of a training run with " +
                                          std::to_string(extent_.steps_per_epoch) +
                                          " steps an epoch: its counts of steps contradict each "
                                          "other; an earlier checkpoint can take its place");
    }
  }

  bool is_of_folder(const std::string& file) const {
    return lies_in(folder_.checkpoints().path(), file);
  }

  // A checkpoint that a user names may be an old one, or another run's.
  void require_nothing_lost(const Checkpoint& checkpoint) const {
    if (options_.overwrite || options_.resume == "auto") {
      return;
    }
    if (!is_of_folder(checkpoint.path())) {
      folder_.require_no_results();
      return;
    }
    const auto entries = folder_.checkpoints().entries();
    if (!entries.empty() && entries.front().step > checkpoint.progress().global_step) {
      throw Error(ErrorCode::invalid_argument,
                  folder_.path() + " holds newer checkpoints than " + checkpoint.path() +
                      ", such as " + entries.front().path +
                      "; use --resume auto, choose another --output, or give them up with "
                      "--overwrite");
    }
  }

  void begin_anew() {
    // Without a checkpoint nothing can be gone on from, but final weights are worth keeping.
    const bool worth_keeping = options_.resume.empty() || fs::exists(folder_.weights());
    if (!options_.overwrite && worth_keeping) {
      folder_.require_no_results();
    }
    if (!options_.weights.empty()) {
      load_weights(options_.weights, session_.parameters(), models::layer_aliases(spec_.model));
      session_.upload_parameters();
      start_.weights_from = options_.weights;
    }
    if (options_.overwrite) {
      folder_.give_up_results();
    }
  }

  const TrainOptions& options_;
  const models::RunSpec& spec_;
  const RunExtent& extent_;
  RunFolder& folder_;
  TrainingSession& session_;
  RunStart start_;
};

}  // namespace

PreparedRun prepare_run(const TrainOptions& options, const Device& device) {
  models::RunSpec spec = models::load_run_spec(options.spec_path, options.overrides);
  check_model(spec);  // an impossible spec or output fails before data are read
  if (!options.output.empty()) {
    check_output(options.output, options.overwrite || !options.resume.empty());
  }
  data::TrainTest sets = load_dataset(spec, [&](const std::string& message) {
    if (!options.quiet) {
      std::printf("%s\n", message.c_str());
    }
  });
  const DataShape shape = data_shape(spec.data, sets.train, sets.test);
  PreparedRun inputs{options, std::move(spec), std::move(sets), {}, {}};
  inputs.session = session_options(inputs.spec, shape, options.passes);
  inputs.session.device = device;
  inputs.session.bytes_beside_per_image =
      batch_bytes_per_image(device, inputs.sets.train, shape, image_dtype(inputs.spec));
  inputs.plan = plan_run(inputs.spec, model_builder(inputs.spec, shape), inputs.session);
  check_expected_params(inputs.spec.model, inputs.plan.store.num_parameters());
  return inputs;
}

std::string run_fingerprint(const models::RunSpec& spec, const data::TrainTest& sets) {
  Json json = Json::parse(models::spec_fingerprint(spec));
  json["data"]["training_set"] = json_of(sets.train);
  json["data"]["test_set"] = json_of(sets.test);
  return json.dump();
}

RunStart start_run(const TrainOptions& options, const models::RunSpec& spec,
                   const RunExtent& extent, RunFolder& folder, TrainingSession& session) {
  return RunStarter(options, spec, extent, folder, session).start();
}

}  // namespace accrete::apps
