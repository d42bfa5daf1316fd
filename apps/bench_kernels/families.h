// SPDX-License-Identifier: Apache-2.0
// The op families: one function and one file each. A new one is a file, its declaration and its
// entry in kFamilies.
#pragma once

#include <vector>

#include "bench_case.h"
#include "network_shapes.h"
#include "yardsticks.h"

namespace accrete::bench {

/// What the cases of a run have in common.
struct BenchSetting {
  std::vector<Arithmetic> arithmetics;  ///< of products of matrices
  const ConvYardsticks& yardsticks;     ///< must outlive the cases
  Batches batches;

  /// For operations that multiply no matrices: without tf32, which is f32 to them.
  std::vector<Arithmetic> others() const;
};

BenchCases conv_cases(const BenchSetting& setting);
BenchCases fused_conv_cases(const BenchSetting& setting);
BenchCases linear_cases(const BenchSetting& setting);
BenchCases batch_norm_cases(const BenchSetting& setting);
BenchCases relu_cases(const BenchSetting& setting);
BenchCases pool_cases(const BenchSetting& setting);
BenchCases elementwise_cases(const BenchSetting& setting);
BenchCases dropout_cases(const BenchSetting& setting);
BenchCases loss_cases(const BenchSetting& setting);
BenchCases optimizer_cases(const BenchSetting& setting);
BenchCases image_cases(const BenchSetting& setting);

using Family = BenchCases (*)(const BenchSetting& setting);
/// What matters most comes first, since a run may be cut short.
inline constexpr Family kFamilies[] = {
    fused_conv_cases,  conv_cases,    linear_cases, batch_norm_cases, relu_cases, pool_cases,
    elementwise_cases, dropout_cases, loss_cases,   optimizer_cases,  image_cases};

/// Of all families, arithmetic by arithmetic; within a family, network by network.
BenchCases cases_in_order(const BenchSetting& setting);

}  // namespace accrete::bench
