// SPDX-License-Identifier: Apache-2.0
// Kernel tests on the CPU: one to three threads, and every instruction set of this machine.
#include <array>

#include "kernels/backend.h"
#include "kernels/simd_level.h"

namespace accrete::test {

Stream test_stream(int number) {
  static std::array<ThreadPool, 3> pools = {ThreadPool(1), ThreadPool(2), ThreadPool(3)};
  return Stream::cpu(pools.at(static_cast<std::size_t>(number % 3)));
}

std::vector<std::string> arithmetics() {
  std::vector<std::string> names;
  for (const std::int64_t level : simd_levels()) {
    names.push_back("instruction sets " + std::to_string(level));
  }
  return names;
}

Arithmetic::Arithmetic(std::size_t index) {
  choose_simd_level(simd_levels().at(index));
}

Arithmetic::~Arithmetic() {
  choose_simd_level(0);
}

}  // namespace accrete::test
