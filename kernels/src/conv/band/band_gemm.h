// SPDX-License-Identifier: Apache-2.0
// Convolutions by band kernels: bf16, stride 1, 1x1 or 3x3 with padding 1, rows of whole 8 bytes.
// Each returns false, and launches nothing, where it does not take the call.
#pragma once

#include "accrete/kernels/conv.h"

namespace accrete::kernels::cuda {

bool band_forward(const Stream& stream, const ConvForward& call, const Workspace& workspace);
bool band_dgrad(const Stream& stream, const ConvDgrad& call, const Workspace& workspace);
bool band_wgrad(const Stream& stream, const ConvWgrad& call, const Workspace& workspace);
/// Both gradients side by side, of a convolution with a norm.
bool band_backward(const Stream& stream, const ConvBackward& call, const Workspace& workspace);

// Of problems with one side, whose tensors have rows of so many bytes' alignment (16 or 8): in
// files of their own, because each holds many kernels.
bool band_wgrad_1x1(const Stream& stream, const ConvWgrad& call, const Workspace& workspace,
                    int alignment);
bool band_wgrad_3x3(const Stream& stream, const ConvWgrad& call, const Workspace& workspace,
                    int alignment);
bool band_backward_1x1(const Stream& stream, const ConvBackward& call, const Workspace& workspace,
                       int alignment);
bool band_backward_3x3(const Stream& stream, const ConvBackward& call, const Workspace& workspace,
                       int alignment);

}  // namespace accrete::kernels::cuda
