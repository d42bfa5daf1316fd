// SPDX-License-Identifier: Apache-2.0
// Scratch memory of each call on each device: a function of shapes, dtypes and parts alone, so that
// memory can be planned without the device. Calls that are not here need none.
#pragma once

#include <algorithm>
#include <cstddef>

#include "accrete/kernels/batch_norm.h"
#include "accrete/kernels/conv.h"
#include "accrete/kernels/pool.h"
#include "conv/plan/conv_plan.h"

namespace accrete::kernels {

namespace cpu {

template <class Call>
std::size_t workspace_bytes(const Call& /*call*/) {
  return 0;
}
std::size_t workspace_bytes(const ConvForward& call);
std::size_t workspace_bytes(const ConvDgrad& call);
std::size_t workspace_bytes(const ConvWgrad& call);
std::size_t workspace_bytes(const ConvBackward& call);
std::size_t workspace_bytes(const BiasGrad& call);
std::size_t workspace_bytes(const MaxPoolForward& call);
std::size_t workspace_bytes(const MaxPoolBackward& call);
std::size_t workspace_bytes(const AveragePoolBackward& call);
std::size_t workspace_bytes(const GlobalAveragePoolBackward& call);
std::size_t workspace_bytes(const BatchNormTraining& call);
std::size_t workspace_bytes(const BatchNormBackward& call);
std::size_t workspace_bytes(const NormReluBackward& call);
std::size_t workspace_bytes(const ChannelStatistics& call);

}  // namespace cpu

namespace cuda {

template <class Call>
std::size_t workspace_bytes(const Call& /*call*/) {
  return 0;
}
inline std::size_t workspace_bytes(const ConvForward& call) {
  return call.statistics ? forward_sums_bytes(call.problem) : 0;
}
inline std::size_t workspace_bytes(const ConvDgrad& call) {
  return call.norm ? dgrad_sums_bytes(call.problem) : 0;
}
inline std::size_t workspace_bytes(const ConvWgrad& call) {
  return wgrad_bytes(call.problem, call.x.dtype);
}
inline std::size_t workspace_bytes(const ConvBackward& call) {
  return backward_data_bytes(call.problem) + wgrad_bytes(call.problem, call.x.dtype);
}
inline std::size_t workspace_bytes(const BiasGrad& call) {
  return column_sums_bytes(call.grad_y.shape);
}
// Sums and statistics of pools are planned for x, which may have fewer rows than y.
inline std::size_t workspace_bytes(const MaxPoolForward& call) {
  return call.norm ? norm_sums_bytes(call.x.shape) : 0;
}
inline std::size_t workspace_bytes(const MaxPoolBackward& call) {
  return call.norm ? norm_sums_bytes(call.x.shape) : 0;
}
inline std::size_t workspace_bytes(const AveragePoolBackward& call) {
  return call.norm ? norm_sums_bytes(call.x.shape) : 0;
}
inline std::size_t workspace_bytes(const GlobalAveragePoolBackward& call) {
  return call.norm ? norm_sums_bytes(call.x.shape) : 0;
}
inline std::size_t workspace_bytes(const BatchNormTraining& call) {
  return column_sums_bytes(call.x.shape);
}
inline std::size_t workspace_bytes(const BatchNormBackward& call) {
  return column_sums_bytes(call.x.shape);
}
inline std::size_t workspace_bytes(const NormReluBackward& call) {
  return norm_sums_bytes(call.x.shape);
}
inline std::size_t workspace_bytes(const ChannelStatistics& call) {
  return norm_sums_bytes(call.x.shape);
}

}  // namespace cuda
}  // namespace accrete::kernels
