// SPDX-License-Identifier: Apache-2.0
#include "metrics.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "program.h"

namespace accrete::apps {
namespace {

constexpr auto kRedrawInterval = std::chrono::milliseconds(200);
constexpr std::int64_t kBarWidth = 24;

std::string bar(std::int64_t done, std::int64_t total) {
  const std::int64_t filled = total > 0 ? done * kBarWidth / total : 0;
  return std::string(static_cast<std::size_t>(filled), '#') +
         std::string(static_cast<std::size_t>(kBarWidth - filled), '.');
}

std::string duration(double seconds) {
  const long long total = std::llround(seconds);
  char text[48];
  if (total >= 3600) {
    std::snprintf(text, sizeof(text), "%lldh%02lldm", total / 3600, total % 3600 / 60);
  } else {
    std::snprintf(text, sizeof(text), "%lldm%02llds", total / 60, total % 60);
  }
  return text;
}

long long shown(std::int64_t value) {
  return value;
}

double per_second(double amount, double seconds) {
  return seconds > 0.0 ? amount / seconds / 1e9 : 0.0;
}

using models::Metric;

double value_of(Metric metric, const EpochMetrics& metrics) {
  switch (metric) {
    case Metric::train_loss:
      return metrics.train_loss;
    case Metric::train_acc:
      return metrics.train_accuracy;
    case Metric::test_loss:
      return metrics.test_loss;
    case Metric::test_acc:
      return metrics.test_accuracy;
    case Metric::none:
      break;
  }
  return 0.0;
}

bool less_is_better(Metric metric) {
  return metric == Metric::train_loss || metric == Metric::test_loss;
}

}  // namespace

Progress::Progress(bool quiet) : quiet_(quiet), terminal_(isatty(STDOUT_FILENO) == 1) {}

void Progress::introduce(const RunIntroduction& run) {
  for (const std::string& note : run.notes) {
    std::printf("note: %s\n", note.c_str());
  }
  if (quiet_) {
    return;
  }
  std::printf("%s: %lld parameters, %lld training and %lld test images from %s\n", run.name.c_str(),
              shown(run.parameters), shown(run.train_images), shown(run.test_images),
              run.data_source.c_str());
  std::printf("memory planned: %.1f MiB, run folder: %s\n", mebibytes(run.planned_bytes),
              run.folder.c_str());
  if (!run.weights_from.empty()) {
    std::printf("starting with the weights of %s\n", run.weights_from.c_str());
  }
  if (!run.resumed_from.empty()) {
    std::printf("going on from %s (step %lld)\n", run.resumed_from.c_str(),
                shown(run.resumed_step));
  }
  std::fflush(stdout);
}

void Progress::step(const StepStatus& status) {
  if (quiet_ || !terminal_) {
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - last_drawn_ < kRedrawInterval && status.step < status.steps) {
    return;
  }
  last_drawn_ = now;
  bar_drawn_ = true;
  std::printf(
      "\r\033[Kepoch %lld/%lld [%s] %lld/%lld  loss %.3f  acc %.3f  %.1f examples/s  %s left",
      shown(status.epoch), shown(status.epochs), bar(status.step, status.steps).c_str(),
      shown(status.step), shown(status.steps), status.loss, status.accuracy,
      status.examples_per_second, duration(status.seconds_left).c_str());
  std::fflush(stdout);
}

void Progress::epoch(const EpochMetrics& m, const EpochTiming& timing, std::int64_t epochs) {
  if (quiet_) {
    return;
  }
  clear();
  if (!header_printed_) {
    std::printf("%9s %10s %10s %9s %10s %9s %12s %9s %10s\n", "epoch", "lr", "loss", "train acc",
                "test loss", "test acc", "examples/s", "time", "data wait");
    header_printed_ = true;
  }
  const std::string number = std::to_string(m.epoch) + "/" + std::to_string(epochs);
  std::printf("%9s %10.2e %10.4f %9.4f %10.4f %9.4f %12.1f %9s %9.1f%%\n", number.c_str(),
              m.learning_rate, m.train_loss, m.train_accuracy, m.test_loss, m.test_accuracy,
              timing.examples_per_second, duration(timing.seconds).c_str(),
              timing.data_wait_percent);
  std::fflush(stdout);
}

void Progress::interrupted(std::int64_t step, const std::string& folder) {
  clear();
  if (!quiet_) {
    std::printf("stopped after step %lld, state saved; go on with --output %s --resume auto\n",
                shown(step), folder.c_str());
  }
}

void Progress::conclude(const RunConclusion& run) {
  if (!quiet_) {
    std::printf("peak memory %.1f MiB (planned %.1f MiB), bytes copied by concat: %lld\n",
                mebibytes(run.peak_bytes), mebibytes(run.planned_bytes), shown(run.bytes_copied));
    std::printf("run folder: %s\n", run.folder.c_str());
    if (run.best.epoch > 0) {
      std::printf("best %s %.4f in epoch %lld: %s\n", run.best.metric.c_str(), run.best.value,
                  shown(run.best.epoch), run.best_checkpoint.c_str());
    }
  }
  std::printf("loss %.3f, train acc %.3f, test acc %.3f\n", run.last_epoch.train_loss,
              run.last_epoch.train_accuracy, run.last_epoch.test_accuracy);
  std::printf("%.1f examples/sec on %s\n", run.examples_per_second, run.device.c_str());
}

void Progress::clear() {
  if (bar_drawn_) {
    std::printf("\r\033[K");
    std::fflush(stdout);
    bar_drawn_ = false;
  }
}

void print_profile(const StepProfile& profile) {
  using Row = StepProfile::value_type;
  std::vector<const Row*> rows;
  double total = 0.0;
  for (const Row& row : profile) {
    rows.push_back(&row);
    total += row.second.seconds;
  }
  std::sort(rows.begin(), rows.end(),
            [](const Row* a, const Row* b) { return a->second.seconds > b->second.seconds; });
  std::printf("\n%-46s %-16s %8s %10s %7s %9s %8s\n",
              "op (training and evaluation of the last epoch)", "kernel", "calls", "ms", "share",
              "GFLOP/s", "GB/s");
  for (const Row* row : rows) {
    const auto& [kind, op] = *row;
    std::printf("%-46s %-16s %8lld %10.1f %6.1f%% %9.1f %8.1f\n", kind.first.c_str(),
                kind.second.c_str(), static_cast<long long>(op.calls), 1e3 * op.seconds,
                100.0 * op.seconds / total,
                per_second(2.0 * static_cast<double>(op.macs), op.seconds),
                per_second(static_cast<double>(op.bytes), op.seconds));
  }
}

bool take_if_best(Metric metric, const EpochMetrics& metrics, BestEpoch& best) {
  if (metric == Metric::none) {
    return false;
  }
  const double value = value_of(metric, metrics);
  const bool better = less_is_better(metric) ? value < best.value : value > best.value;
  if (best.epoch > 0 && !better) {
    return false;
  }
  best = {models::name_of(metric), metrics.epoch, value};
  return true;
}

}  // namespace accrete::apps
