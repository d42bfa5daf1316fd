// SPDX-License-Identifier: Apache-2.0
// The one place where kernels meet CUDA, or the host executor that runs them in tests.
// Shared arrays are declared with the macros below, never with __shared__, so that the executor can
// place red zones around them:
//   ACCRETE_SHARED_ARRAY(float, tile, [4][32]);   // float tile[4][32]
//   ACCRETE_DYNAMIC_SHARED(bytes);                // unsigned char* bytes, 128-byte aligned
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(ACCRETE_SIMT)

#include "simt/device.h"

// The array's identity is the address of a variable of the enclosing function (instance).
#define ACCRETE_SHARED_ARRAY(T, name, dims)       \
  static const char name##_key = 0;               \
  using name##_type = T dims;                     \
  name##_type& name = *static_cast<name##_type*>( \
      simt::shared_array(&name##_key, sizeof(name##_type), alignof(T) < 16 ? 16 : alignof(T)))
#define ACCRETE_DYNAMIC_SHARED(name) unsigned char* const name = simt::dynamic_shared()

#else

#include <cuda_runtime.h>

#define ACCRETE_SHARED_ARRAY(T, name, dims) __shared__ __align__(16) T name dims
#define ACCRETE_DYNAMIC_SHARED(name)                                       \
  extern __shared__ __align__(128) unsigned char accrete_dynamic_shared[]; \
  unsigned char* const name = accrete_dynamic_shared

#endif
