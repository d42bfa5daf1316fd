// SPDX-License-Identifier: Apache-2.0
// Linear layers (ConvProblem::linear) through cuBLAS, where the stream has a handle and nothing is
// to be done on load or store. Each returns false where it does not take the call.
#pragma once

#include "accrete/kernels/conv.h"

namespace accrete::kernels::cuda {

bool cublas_forward(const Stream& stream, const ConvForward& call, const Workspace& workspace);
bool cublas_dgrad(const Stream& stream, const ConvDgrad& call, const Workspace& workspace);
bool cublas_wgrad(const Stream& stream, const ConvWgrad& call, const Workspace& workspace);

}  // namespace accrete::kernels::cuda
