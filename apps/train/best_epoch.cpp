// SPDX-License-Identifier: Apache-2.0
#include "best_epoch.h"

namespace accrete::apps {
namespace {

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
