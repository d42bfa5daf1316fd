// SPDX-License-Identifier: Apache-2.0
// The words a spec uses for enumerations, in the order of the enumerators.
#pragma once

#include <string>
#include <vector>

namespace accrete::models {

inline const std::vector<std::string> kFamilyNames = {"densenet", "resnet"};
inline const std::vector<std::string> kInitializerNames = {"zeros", "ones", "xavier_uniform",
                                                           "kaiming_fan_out", "linear_fan_in"};
inline const std::vector<std::string> kTransitionPoolNames = {"average", "max"};
inline const std::vector<std::string> kDatasetNames = {"fashion_mnist", "synthetic"};
inline const std::vector<std::string> kPrecisionNames = {"fp32", "tf32", "bf16"};
inline const std::vector<std::string> kOptimizerNames = {"sgd", "adam"};
inline const std::vector<std::string> kWeightDecayScopeNames = {"all", "weights"};
inline const std::vector<std::string> kScheduleNames = {"constant", "step", "cosine", "one_cycle"};

inline const std::vector<std::string> kMetricNames = {"none", "train_loss", "train_acc",
                                                      "test_loss", "test_acc"};

template <class Enum>
const std::string& name_of(const std::vector<std::string>& names, Enum value) {
  return names[static_cast<std::size_t>(value)];
}

}  // namespace accrete::models
