// SPDX-License-Identifier: Apache-2.0
// What the kernel tests run on, chosen when a test is linked: the CPU kernels (cpu_backend.cpp),
// the CUDA kernels in the host executor (tests/cuda/executor_backend.cpp) or on a GPU
// (tests/cuda/gpu_backend.cpp).
#pragma once

#include <string>
#include <vector>

#include "accrete/kernels/stream.h"
#include "support/test_memory.h"

namespace accrete::test {

inline Device test_device() {
  return memory_space().device;
}

/// A stream for call number `number`. What it varies must not change a single bit: threads on the
/// CPU, the order of threads and blocks in the executor, the queue on a GPU. Calls with different
/// numbers are ordered by nothing but reads and writes of test memory between them.
Stream test_stream(int number);

/// Ways of computing that may round differently: instruction sets on the CPU.
std::vector<std::string> arithmetics();

/// While it lives, kernels compute in way number `index`.
class Arithmetic {
 public:
  explicit Arithmetic(std::size_t index);
  ~Arithmetic();
  Arithmetic(const Arithmetic&) = delete;
  Arithmetic& operator=(const Arithmetic&) = delete;
};

}  // namespace accrete::test
