// SPDX-License-Identifier: Apache-2.0
// The name of the inline namespace that backend code lives in: kernels compiled for a GPU and the
// same kernels compiled for the host executor may be linked into one program.
#pragma once

#if defined(ACCRETE_SIMT)
#define ACCRETE_CUDA_ABI executor
#else
#define ACCRETE_CUDA_ABI device
#endif
