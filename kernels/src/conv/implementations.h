// SPDX-License-Identifier: Apache-2.0
// The ways there are to compute a convolution on a GPU.
#pragma once

#include "accrete/kernels/call.h"
#include "accrete/kernels/conv.h"

namespace accrete::kernels::cuda {

// The ways there are to compute one call, best first.

/// `run` returns false, and launches nothing, where it does not take the call.
template <class Call>
struct Implementation {
  const char* name;
  bool (*run)(const Stream& stream, const Call& call, const Workspace& workspace);
};

/// The name of the first that takes the call. The last takes every one.
template <class Call, std::size_t COUNT>
const char* run_first(const Implementation<Call> (&table)[COUNT], const Stream& stream,
                      const Call& call, const Workspace& workspace) {
  for (const Implementation<Call>& implementation : table) {
    if (implementation.run(stream, call, workspace)) {
      return implementation.name;
    }
  }
  return "none";
}

// Linear layers (ConvProblem::linear) through cuBLAS, where the stream has a handle and nothing is
// to be done on load or store. Each returns false where it does not take the call.

bool cublas_forward(const Stream& stream, const ConvForward& call, const Workspace& workspace);
bool cublas_dgrad(const Stream& stream, const ConvDgrad& call, const Workspace& workspace);
bool cublas_wgrad(const Stream& stream, const ConvWgrad& call, const Workspace& workspace);

// Convolutions by band kernels: bf16, stride 1, 1x1 or 3x3 with padding 1, rows of whole 8 bytes.
// Each returns false, and launches nothing, where it does not take the call.

bool band_forward(const Stream& stream, const ConvForward& call, const Workspace& workspace);
bool band_dgrad(const Stream& stream, const ConvDgrad& call, const Workspace& workspace);
bool band_wgrad(const Stream& stream, const ConvWgrad& call, const Workspace& workspace);
/// Both gradients side by side, of a convolution with a norm.
bool band_backward(const Stream& stream, const ConvBackward& call, const Workspace& workspace);

// Convolution as its definition: one thread per result. The readable version that the fast kernels
// are tested and measured against. Arguments are those of conv.h and valid.

// Without the optional parts but the bias.
void conv_forward_naive(const Stream& stream, const ConvForward& call);
void conv_dgrad_naive(const Stream& stream, const ConvDgrad& call);
void conv_wgrad_naive(const Stream& stream, const ConvWgrad& call);

}  // namespace accrete::kernels::cuda
