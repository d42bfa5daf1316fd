// SPDX-License-Identifier: Apache-2.0
// The kernels of a device as one table with an entry per call. The CPU, the CUDA backend and the
// host executor of the tests each have one; calls reach it through the stream, so the library holds
// no global state and builds without CUDA.
#pragma once

#include "accrete/kernels/batch_norm.h"
#include "accrete/kernels/conv.h"
#include "accrete/kernels/elementwise.h"
#include "accrete/kernels/image_batch.h"
#include "accrete/kernels/loss.h"
#include "accrete/kernels/optimizer.h"
#include "accrete/kernels/pool.h"

namespace accrete::kernels {

/// All calls there are.
// clang-format off
#define ACCRETE_CALLS(each)                                                                      \
  each(ConvForward) each(ConvDgrad) each(ConvWgrad) each(ConvBackward) each(BiasGrad)            \
  each(MaxPoolForward) each(MaxPoolBackward) each(AveragePoolForward) each(AveragePoolBackward)  \
  each(GlobalAveragePoolForward) each(GlobalAveragePoolBackward)                                 \
  each(BatchNormTraining) each(BatchNormInference) each(BatchNormNormalise)                      \
  each(BatchNormBackward) each(NormReluForward) each(NormReluBackward) each(ChannelStatistics)   \
  each(ApplyDeferredGradient) each(InverseDeviation) each(UpdateRunningStatistics)               \
  each(Copy) each(Fill) each(Add) each(ReluForward) each(ReluBackward) each(Dropout)             \
  each(SoftmaxCrossEntropyForward) each(SoftmaxCrossEntropyBackward)                             \
  each(SgdStep) each(AdamStep) each(ImageBatch)
// clang-format on

/// The entry of one call, which is valid when it comes here. Returns the name of the
/// implementation.
template <class Call>
struct Kernel {
  const char* (*run)(const Stream& stream, const Call& call, const Workspace& workspace);
};
struct EndOfKernels {};

#define ACCRETE_KERNEL_ENTRY(Call) Kernel<Call>,
struct Backend : ACCRETE_CALLS(ACCRETE_KERNEL_ENTRY) EndOfKernels {};
#undef ACCRETE_KERNEL_ENTRY

/// In the namespace of a backend: declares its function of every call ...
#define ACCRETE_DECLARE_KERNEL(Call) \
  const char* run(const Stream& stream, const Call& call, const Workspace& workspace);
/// ... and, in braces, makes a table of them.
#define ACCRETE_KERNEL_ADDRESS(Call) {&run},

namespace cpu {
ACCRETE_CALLS(ACCRETE_DECLARE_KERNEL)
}
namespace cuda {
ACCRETE_CALLS(ACCRETE_DECLARE_KERNEL)
const Backend& backend();
}  // namespace cuda

}  // namespace accrete::kernels
