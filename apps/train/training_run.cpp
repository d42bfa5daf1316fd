// SPDX-License-Identifier: Apache-2.0
#include "training_run.h"

#include <chrono>
#include <cstdio>
#include <optional>

#include "accrete/engine/checkpoint.h"
#include "accrete/engine/training_session.h"
#include "device_choice.h"
#include "exit_codes.h"
#include "metrics.h"
#include "run_folder.h"
#include "run_setup.h"
#include "steps.h"

namespace accrete::apps {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class TrainingLoop {
 public:
  TrainingLoop(PreparedRun inputs, DeviceRuntime& runtime)
      : options_(std::move(inputs.options)),
        spec_(std::move(inputs.spec)),
        sets_(std::move(inputs.sets)),
        runtime_(runtime),
        session_(std::move(inputs.plan), std::move(inputs.session), runtime),
        train_batches_(batches_of(sets_.train, Purpose::training)),
        test_batches_(batches_of(sets_.test, Purpose::evaluation)),
        folder_(options_.output.empty() ? RunFolder::create(spec_.name, spec_.checkpoint.keep)
                                        : RunFolder::at(options_.output, spec_.checkpoint.keep)),
        watchdog_(folder_.checkpoints()),
        fingerprint_(run_fingerprint(spec_, sets_)),
        progress_(options_.quiet) {}

  int run() {
    try {
      return run_epochs();
    } catch (...) {
      progress_.clear();  // what is said next starts on a line of its own
      throw;
    }
  }

 private:
  int run_epochs() {
    introduce(start());
    while (state_.epoch < spec_.training.epochs) {
      if (options_.profile && state_.epoch + 1 == spec_.training.epochs) {
        session_.start_profile();
      }
      if (!train_epoch() || !finish_epoch()) {
        return leave_interrupted();
      }
    }
    if (!tested_ && !test()) {  // resumed behind the last epoch: nothing was left to train
      return leave_interrupted();
    }
    folder_.save_weights(session_.parameters());
    conclude();
    return kExitOk;
  }

  std::unique_ptr<BatchSource> batches_of(const data::ImageDataset& set, Purpose purpose) {
    return make_batch_source(runtime_, set, spec_, purpose);
  }

  RunStart start() {
    const RunExtent extent{fingerprint_, spec_.training.epochs,
                           train_batches_->batches_per_epoch()};
    RunStart start = start_run(options_, spec_, extent, folder_, session_);
    state_ = start.progress;
    sums_ = {state_.loss_sum, state_.correct, state_.samples};
    last_epoch_.train_loss = state_.last_train_loss;
    last_epoch_.train_accuracy = state_.last_train_accuracy;
    return start;
  }

  void introduce(const RunStart& start) {
    RunIntroduction run;
    run.name = spec_.name;
    run.parameters = session_.parameters().num_parameters();
    run.train_images = sets_.train.num_images;
    run.test_images = sets_.test.num_images;
    run.data_source = sets_.source;
    run.planned_bytes = session_.planned_bytes();
    run.folder = folder_.path();
    run.weights_from = start.weights_from;
    run.resumed_from = start.resumed_from;
    run.resumed_step = state_.global_step;
    run.notes = start.notes;
    progress_.introduce(run);
  }

  // Returns false if the run was interrupted before the epoch's end.
  bool train_epoch() {
    epoch_start_ = Clock::now();
    epoch_wait_start_ = train_batches_->wait_seconds();
    epoch_pace_ = {};
    const std::int64_t batches = train_batches_->batches_per_epoch();
    train_batches_->start_epoch(state_.epoch, state_.step_in_epoch);
    for (std::int64_t queued = state_.step_in_epoch; queued < batches; ++queued) {
      if (should_stop()) {
        account_for_steps(0);
        return false;
      }
      queue_batch();
      account_for_steps(StepsUnderWay::kMost);
    }
    account_for_steps(0);
    return true;
  }

  bool should_stop() const {
    const std::int64_t queued = pace_.steps + under_way_.count();
    const bool enough = options_.stop_after_steps > 0 && queued >= options_.stop_after_steps;
    return enough || interrupt_signal() != 0;
  }

  void queue_batch() {
    const double waited = train_batches_->wait_seconds();
    const auto start = Clock::now();
    const std::int64_t size = train_batches_->next(session_);
    const std::int64_t step = state_.global_step + under_way_.count();
    session_.queue_train_step(
        size, scheduled_rate(spec_.training, train_batches_->batches_per_epoch(), step), step);
    under_way_.add(size);
    add_busy(seconds_since(start) - (train_batches_->wait_seconds() - waited));
  }

  // Takes in the results of queued steps, except that `pending` may stay under way.
  void account_for_steps(std::size_t pending) {
    const auto start = Clock::now();
    const std::int64_t steps = pace_.steps;
    under_way_.take_results(session_, pending, [&](const StepResult& result, std::int64_t size) {
      account_for_step(result, size);
    });
    add_busy(seconds_since(start));
    if (pace_.steps > steps) {
      report_step();
    }
  }

  void account_for_step(const StepResult& result, std::int64_t size) {
    watchdog_.check_training_loss(result.loss, state_.epoch + 1, state_.global_step + 1);
    sums_.add(result, size);
    pace_.add_step(size);
    epoch_pace_.add_step(size);
    ++state_.step_in_epoch;
    ++state_.global_step;
  }

  void add_busy(double seconds) {
    pace_.busy_seconds += seconds;
    epoch_pace_.busy_seconds += seconds;
  }

  void report_step() {
    StepStatus status;
    status.epoch = state_.epoch + 1;
    status.epochs = spec_.training.epochs;
    status.step = state_.step_in_epoch;
    status.steps = train_batches_->batches_per_epoch();
    status.loss = sums_.mean_loss();
    status.accuracy = sums_.accuracy();
    status.examples_per_second = pace_.examples_per_second();
    status.seconds_left =
        pace_.seconds_for(spec_.training.epochs * status.steps - state_.global_step);
    progress_.step(status);
  }

  // Returns false if the run was interrupted before the test images were through.
  bool finish_epoch() {
    const double waited = train_batches_->wait_seconds() - epoch_wait_start_;
    const double train_seconds = seconds_since(epoch_start_);
    check_state();
    if (!test()) {
      return false;
    }
    last_epoch_.epoch = state_.epoch + 1;
    last_epoch_.step = state_.global_step;
    last_epoch_.learning_rate =
        scheduled_rate(spec_.training, train_batches_->batches_per_epoch(), state_.global_step - 1);
    last_epoch_.train_loss = sums_.mean_loss();
    last_epoch_.train_accuracy = sums_.accuracy();
    const EpochTiming timing{last_epoch_.epoch, epoch_pace_.examples_per_second(),
                             seconds_since(epoch_start_), 100.0 * waited / train_seconds};
    folder_.append(last_epoch_, timing);
    progress_.epoch(last_epoch_, timing, spec_.training.epochs);
    begin_next_epoch();
    return true;
  }

  // Returns false if the run was interrupted before the test images were through.
  bool test() {
    const std::optional<EpochSums> sums = evaluate(session_, *test_batches_);
    if (sums) {
      watchdog_.check_test_loss(sums->loss, state_.epoch + 1);
      last_epoch_.test_loss = sums->mean_loss();
      last_epoch_.test_accuracy = sums->accuracy();
      tested_ = true;
    }
    return sums.has_value();
  }

  void begin_next_epoch() {
    ++state_.epoch;
    state_.step_in_epoch = 0;
    state_.last_train_loss = last_epoch_.train_loss;
    state_.last_train_accuracy = last_epoch_.train_accuracy;
    sums_ = {};
    const bool best = take_if_best(spec_.checkpoint.best, last_epoch_, state_.best);
    const std::int64_t every = spec_.checkpoint.every_epochs;
    const bool last = state_.epoch == spec_.training.epochs;
    if (best || last || (every > 0 && state_.epoch % every == 0)) {
      save();
    }
  }

  void save() {
    state_.loss_sum = sums_.loss;
    state_.correct = sums_.correct;
    state_.samples = sums_.samples;
    folder_.save(session_.parameters(), state_, fingerprint_);
  }

  void check_state() const {
    watchdog_.check_state(session_.parameters(), state_.epoch + 1, state_.global_step);
  }

  int leave_interrupted() {
    check_state();
    save();
    progress_.interrupted(state_.global_step, folder_.path());
    const int signal = interrupt_signal();
    return signal == 0 ? kExitOk : 128 + signal;
  }

  void conclude() {
    RunConclusion run;
    run.peak_bytes = session_.peak_bytes();
    run.planned_bytes = session_.planned_bytes();
    run.bytes_copied = session_.bytes_copied();
    run.folder = folder_.path();
    run.last_epoch = last_epoch_;
    run.best = state_.best;
    run.best_checkpoint = folder_.checkpoints().best();
    run.examples_per_second = pace_.examples_per_second();
    run.device = to_string(runtime_.stream().device());
    if (options_.profile) {
      print_profile(session_.profile());
    }
    progress_.conclude(run);
  }

  TrainOptions options_;
  models::RunSpec spec_;
  data::TrainTest sets_;
  DeviceRuntime& runtime_;
  TrainingSession session_;
  std::unique_ptr<BatchSource> train_batches_;
  std::unique_ptr<BatchSource> test_batches_;
  RunFolder folder_;
  Watchdog watchdog_;
  std::string fingerprint_;
  Progress progress_;

  TrainingProgress state_;
  EpochSums sums_;
  EpochMetrics last_epoch_;
  bool tested_ = false;
  StepsUnderWay under_way_;
  Pace pace_;  // of this process
  Pace epoch_pace_;
  Clock::time_point epoch_start_;
  double epoch_wait_start_ = 0.0;
};

}  // namespace

int run_training_loop(PreparedRun inputs, DeviceRuntime& runtime) {
  return TrainingLoop(std::move(inputs), runtime).run();
}

int run_training(const TrainOptions& options) {
  const DeviceChoice choice = choose_device(options.device);
  if (!choice.note.empty() && !options.quiet) {
    std::printf("%s\n", choice.note.c_str());
  }
  PreparedRun inputs = prepare_run(options, choice.device);
  ThreadPool pool(options.threads > 0 ? options.threads : available_threads());
  const auto runtime = make_runtime(choice.device, pool);
  install_interrupt_handlers();
  return run_training_loop(std::move(inputs), *runtime);
}

}  // namespace accrete::apps
