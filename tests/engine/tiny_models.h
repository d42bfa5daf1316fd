// SPDX-License-Identifier: Apache-2.0
// Small graphs that the engine's tests share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/engine/training_session.h"

namespace accrete::test {

enum class ConcatStyle {
  chain,  ///< x = concat(x, f), one new feature at a time
  list,   ///< x = concat(f0, f1, ..., fn) anew in front of every layer
};

struct TinyDenseNet {
  std::int64_t size = 6;      ///< image height and width
  std::int64_t channels = 2;  ///< of the image
  std::int64_t stem_channels = 7;
  std::int64_t layers = 3;
  std::int64_t growth_rate = 5;
  bool bottleneck = false;
  float dropout = 0.0F;
  ConcatStyle style = ConcatStyle::chain;
  DType dtype = DType::f32;  ///< of all activations
  bool frozen = false;       ///< batch norm normalises with its running statistics in training
};

/// Stem 3x3, one dense block, transition, head with 4 classes.
ModelGraph build_tiny_densenet(const TinyDenseNet& net, std::int64_t batch, bool training);
ModelBuilder tiny_densenet(const TinyDenseNet& net);

/// Two 3x3 convolutions with an identity shortcut: exercises add and values with two readers.
ModelGraph build_tiny_resnet(std::int64_t batch, bool training);
/// Two basic blocks of He et al., 2015: a batch norm without ReLU before each sum, a projection in
/// the second shortcut.
ModelGraph build_tiny_basic_blocks(std::int64_t batch, bool training);
/// The same two with running statistics in training.
ModelGraph build_frozen_tiny_resnet(std::int64_t batch, bool training);
ModelGraph build_frozen_tiny_basic_blocks(std::int64_t batch, bool training);

/// A bound session of one training batch, its inputs filled with reproducible data. `device` null:
/// the CPU with `threads`.
struct TinySession {
  TinySession(const ModelBuilder& builder, std::int64_t batch_size, const PassSwitches& passes = {},
              int threads = 1, const OptimizerOptions& optimizer = {},
              std::unique_ptr<DeviceRuntime> device = nullptr,
              FloatMath float_math = FloatMath::strict);
  /// The same with all options of the session given.
  TinySession(const ModelBuilder& builder, std::int64_t batch_size, const SessionOptions& options,
              std::unique_ptr<DeviceRuntime> device = nullptr);
  /// Fills images and labels; needed before every step, since a step may overwrite its inputs.
  void fill_inputs();
  /// The same images and labels as inputs of the evaluation step.
  void fill_eval_inputs();
  /// Fills the inputs and trains one step.
  StepResult step(double learning_rate, std::int64_t global_step);
  /// Loss without changing the weights.
  double loss(std::int64_t global_step) { return step(0.0, global_step).loss; }
  /// All parameters and states, one after the other, without rounded copies.
  std::vector<float> stored_values() const;
  /// Puts such values back. Follow with session.upload_parameters() on a GPU.
  void restore_values(const std::vector<float>& values);
  /// The running statistics alone.
  std::vector<float> running_statistics() const;
  /// Makes them something else than means of 0 and variances of 1.
  void randomise_running_statistics();

  ThreadPool pool;
  std::unique_ptr<DeviceRuntime> runtime;
  std::int64_t batch;
  TrainingSession session;

 private:
  void fill(const TensorView& images, const TensorView& class_labels);

  std::vector<float> pixels_;
  std::vector<std::int32_t> classes_;
};

/// The rounded copies of parameters in a store, and those that are their parameters, rounded, bit
/// for bit.
struct RoundedCopies {
  int all = 0;
  int exact = 0;
};
RoundedCopies count_rounded_copies(const ParameterStore& store);

}  // namespace accrete::test
