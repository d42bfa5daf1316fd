// SPDX-License-Identifier: Apache-2.0
// Convolution as its definition: one thread per result. The readable version that the fast kernels
// are tested and measured against. Arguments are those of conv.h and valid.
#pragma once

#include "accrete/kernels/conv.h"

namespace accrete::kernels::cuda {

// Without the optional parts but the bias.
void conv_forward_naive(const Stream& stream, const ConvForward& call);
void conv_dgrad_naive(const Stream& stream, const ConvDgrad& call);
void conv_wgrad_naive(const Stream& stream, const ConvWgrad& call);

}  // namespace accrete::kernels::cuda
