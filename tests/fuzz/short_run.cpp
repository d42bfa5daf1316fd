// SPDX-License-Identifier: Apache-2.0
#include "fuzz/short_run.h"

#include <algorithm>
#include <memory>
#include <random>

#include "accrete/engine/checkpoint.h"
#include "accrete/engine/training_session.h"
#include "accrete/kernels/dtype.h"
#include "accrete/kernels/finite.h"
#include "accrete/kernels/thread_pool.h"
#include "fuzz/fuzz_target.h"
#include "run_setup.h"

namespace accrete::fuzz {
namespace {

constexpr std::int64_t kMostBytes = std::int64_t{256} << 20;
constexpr double kLearningRate = 0.05;
constexpr const char* kFingerprint = "0123456789abcdef";

class Trainer {
 public:
  Trainer(const models::RunSpec& spec, const RunVariant& variant)
      : spec_(spec), variant_(variant), pool_(variant.threads), random_(spec.training.seed) {
    const apps::DataShape shape = apps::expected_data_shape(spec);
    PassSwitches passes;
    if (!variant.passes) {
      passes.disable_all();
    }
    options_ = apps::session_options(spec, shape, passes);
    options_.recompute = variant.recompute;
    plan_ = apps::plan_run(spec, apps::model_builder(spec, shape), options_);
  }

  std::int64_t planned_bytes() const { return plan_.total_bytes(); }

  ShortRun run() {
    start();
    round();
    if (variant_.resumed) {
      resume();
    }
    round();
    add_values();
    return std::move(result_);
  }

 private:
  void start() {
    runtime_ = make_cpu_runtime(pool_);
    session_ = std::make_unique<TrainingSession>(plan_, options_, *runtime_);
  }

  void resume() {
    static const std::string path = path_in_memory("checkpoint.safetensors");
    save_checkpoint(path, session_->parameters(), {}, kFingerprint);
    session_.reset();
    start();
    load_checkpoint(path, session_->parameters(), kFingerprint);
    session_->upload_parameters();
  }

  // A step of every batch size that the run has.
  void round() {
    for (const std::int64_t batch : options_.train_batches) {
      fill(session_->train_images(batch), session_->train_labels(batch));
      add(session_->train_step(batch, kLearningRate, step_++));
    }
    for (const std::int64_t batch : options_.eval_batches) {
      fill(session_->eval_images(batch), session_->eval_labels(batch));
      add(session_->eval_step(batch));
    }
  }

  void fill(const TensorView& images, const TensorView& labels) {
    const auto elements = static_cast<std::size_t>(images.shape.elements());
    std::vector<float> pixels(elements);
    for (float& pixel : pixels) {
      pixel = static_cast<float>(static_cast<int>(random_() % 2001) - 1000) / 1000.0F;
    }
    if (images.dtype == DType::bf16) {
      std::vector<std::uint16_t> rounded(elements);
      std::transform(pixels.begin(), pixels.end(), rounded.begin(), bf16_bits);
      session_->upload(images, rounded.data());
    } else {
      session_->upload(images, pixels.data());
    }
    std::vector<std::int32_t> classes(static_cast<std::size_t>(labels.shape.elements()));
    const auto count = static_cast<std::uint64_t>(models::network_of(spec_.model).num_classes);
    for (std::int32_t& label : classes) {
      label = static_cast<std::int32_t>(random_() % count);
    }
    session_->upload(labels, classes.data());
  }

  void add(const StepResult& result) {
    add_bits(&result.loss, sizeof(result.loss));
    result_.losses_finite = result_.losses_finite && is_finite(result.loss);
  }

  void add_values() {
    for (const StoredTensor& tensor : session_->parameters().tensors()) {
      if (tensor.kind != ValueKind::rounded) {
        const std::int64_t elements = tensor.shape.elements();
        add_bits(tensor.view.f32(), static_cast<std::size_t>(elements) * sizeof(float));
        result_.values_finite = result_.values_finite && all_finite(tensor.view.f32(), elements);
      }
    }
  }

  void add_bits(const void* from, std::size_t bytes) {
    const auto* first = static_cast<const std::byte*>(from);
    result_.bits.insert(result_.bits.end(), first, first + bytes);
  }

  models::RunSpec spec_;
  RunVariant variant_;
  ThreadPool pool_;
  std::mt19937_64 random_;
  SessionOptions options_;
  SessionPlan plan_;
  std::unique_ptr<DeviceRuntime> runtime_;
  std::unique_ptr<TrainingSession> session_;
  std::int64_t step_ = 0;
  ShortRun result_;
};

}  // namespace

std::string to_string(const RunVariant& variant) {
  return std::to_string(variant.threads) + " threads, recompute " +
         std::to_string(variant.recompute) + (variant.passes ? "" : ", no passes") +
         (variant.resumed ? ", resumed" : "");
}

std::optional<ShortRun> short_run(const models::RunSpec& spec, const RunVariant& variant) {
  Trainer trainer(spec, variant);
  if (trainer.planned_bytes() > kMostBytes) {
    return std::nullopt;
  }
  return trainer.run();
}

}  // namespace accrete::fuzz
