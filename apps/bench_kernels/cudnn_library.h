// SPDX-License-Identifier: Apache-2.0
// cuDNN as a library that may be there at run time: neither its headers nor the library are needed
// to build. Declared here are the few functions that its convolutions take, which versions 8 and 9
// have alike; enumerations are int, and every kind of descriptor is a pointer.
#pragma once

#include <cstddef>
#include <string>

namespace accrete::bench::cudnn {

using Handle = void*;
using Descriptor = void*;

// Values of cuDNN's enumerations.
inline constexpr int kSuccess = 0;
inline constexpr int kFloat = 0;
inline constexpr int kBfloat16 = 9;
inline constexpr int kNhwc = 1;
inline constexpr int kCrossCorrelation = 1;
inline constexpr int kDefaultMath = 0;  ///< f32 tensors may go through tf32
inline constexpr int kTensorOpMath = 1;
inline constexpr int kFmaMath = 3;

/// One algorithm as a search returns it, fastest first.
struct Found {
  int algorithm;
  int status;
  float milliseconds;
  std::size_t workspace_bytes;
  int determinism;
  int math;
  int reserved[3];
};

/// The search and the call have the same parameters in all three passes: two operands, each a
/// descriptor and memory, and a result.
using Find = int (*)(Handle, Descriptor, const void*, Descriptor, const void*, Descriptor,
                     Descriptor, void*, int, int*, Found*, void*, std::size_t);
using Convolve = int (*)(Handle, const void*, Descriptor, const void*, Descriptor, const void*,
                         Descriptor, int, void*, std::size_t, const void*, Descriptor, void*);

struct PassFunctions {
  Find find = nullptr;
  Convolve convolve = nullptr;
};

/// The functions of the loaded library, which stays loaded.
struct Library {
  std::size_t (*version)() = nullptr;
  const char* (*error_text)(int) = nullptr;
  int (*create)(Handle*) = nullptr;
  int (*destroy)(Handle) = nullptr;
  int (*set_stream)(Handle, void*) = nullptr;

  int (*create_tensor)(Descriptor*) = nullptr;
  int (*destroy_tensor)(Descriptor) = nullptr;
  /// dtype, N, C, H, W, and the strides of those
  int (*set_tensor)(Descriptor, int, int, int, int, int, int, int, int, int) = nullptr;

  int (*create_filter)(Descriptor*) = nullptr;
  int (*destroy_filter)(Descriptor) = nullptr;
  /// dtype, format, K, C, R, S
  int (*set_filter)(Descriptor, int, int, int, int, int, int) = nullptr;

  int (*create_convolution)(Descriptor*) = nullptr;
  int (*destroy_convolution)(Descriptor) = nullptr;
  /// pad h, w, stride h, w, dilation h, w, mode, dtype of the sums
  int (*set_convolution)(Descriptor, int, int, int, int, int, int, int, int) = nullptr;
  int (*set_math)(Descriptor, int) = nullptr;

  PassFunctions forward, dgrad, wgrad;

  /// Throws Error(device_failure) with cuDNN's words unless `status` is success.
  void check(int status, const char* call) const;
};

/// False if there is no cuDNN 9 or 8, or it lacks a function; `reason` says so.
bool load(Library& library, std::string& reason);

}  // namespace accrete::bench::cudnn
