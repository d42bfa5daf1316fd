// SPDX-License-Identifier: Apache-2.0
// How every kernel is called. A call is a struct (conv.h, pool.h, batch_norm.h, elementwise.h,
// loss.h, optimizer.h, image_batch.h): the problem, the tensors, and optional parts, which are
// empty unless they are wanted. `run` checks it and hands it to the device of the stream:
//
//   kernels::ConvForward conv;
//   conv.problem = problem;
//   conv.x = x;
//   conv.weight = weight;
//   conv.y = y;
//   kernels::run(stream, conv, workspace);
//
// Common to all. Activations are NHWC views of any pitch; weights, vectors and everything else said
// to be packed have pitch C. Activations and their gradients have one dtype, f32 or bf16 (f32 sums,
// rounded once); vectors over channels [1,1,1,C] and gradients of parameters are f32. What is
// written overlaps nothing else, but where a struct lets it be an input (the same view). Every sum
// has an order that depends on the problem alone, so results are bit-identical for any number of
// threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete {

/// How a gradient that several readers of a tensor contribute to is written: the first contribution
/// overwrites, later ones accumulate.
enum class GradMode : std::uint8_t { overwrite, accumulate };

/// Scratch memory of a call. Kernels never allocate: workspace_bytes() says at plan time what a
/// call needs, and the call receives at least that much, at a multiple of 64 bytes. Contents are
/// undefined on entry and on return.
struct Workspace {
  void* data = nullptr;
  std::size_t bytes = 0;
};

namespace kernels {

/// Checks the call, then computes it (CPU) or queues it (GPU). Returns the name of the
/// implementation that takes it, such as "winograd" or "band", for profiles.
/// Error(invalid_argument) that names call, tensor and shapes if a shape, dtype, device, pitch,
/// alignment or option contradicts the problem or the workspace is too small; in builds without
/// NDEBUG also if tensors overlap that may not. Error(unsupported) for a dtype without kernel.
template <class Call>
const char* run(const Stream& stream, const Call& call, const Workspace& workspace = {});

/// Bytes of workspace that `run` needs for a call of these shapes, dtypes and parts; tensors need
/// no data yet. Does not depend on which GPU or how many threads there are.
template <class Call>
std::size_t workspace_bytes(const Call& call, const Device& device);

/// What a call has to do at the least; tensors need no data.
struct Cost {
  std::int64_t macs = 0;   ///< multiply-accumulates of matrix products
  std::int64_t bytes = 0;  ///< read and written if no cache helps: each operand once a pass
};
template <class Call>
Cost cost(const Call& call);

}  // namespace kernels
}  // namespace accrete
