// SPDX-License-Identifier: Apache-2.0
// A GPU, the host executor and the PTX ISA agree: the first test to run on a new GPU. Where the
// executor disagrees, every other test that passes in it has lost its worth.
#include "cuda/ptx_executor.h"
#include "cuda/ptx_expectations.h"
#include "kernels/backend.h"
#include "support/catch.h"
#include "support/test_memory.h"

using namespace accrete;
using namespace accrete::test;

namespace {

Words run_on_gpu(const ProbeCase& probe_case) {
  const Probe& probe = find_probe(device::ptx_probes(), probe_case);
  const TestMemory in(probe.words_in * sizeof(std::uint32_t));
  const TestMemory out(probe.words_out * sizeof(std::uint32_t));
  memory_space().copy_in(in.address(), probe_case.in.data(), in.bytes());
  memory_space().copy_in(out.address(), Words(probe.words_out, 0xFFFFFFFFU).data(), out.bytes());
  device::launch_probe(test_stream(0), probe, reinterpret_cast<const std::uint32_t*>(in.address()),
                       reinterpret_cast<std::uint32_t*>(out.address()));
  Words words(probe.words_out);
  memory_space().copy_out(words.data(), out.address(), out.bytes());
  return words;
}

}  // namespace

TEST_CASE("a GPU agrees with the PTX ISA and with the host executor") {
  for (const ProbeCase& probe : probe_cases()) {
    INFO(probe.probe);
    const Words got = run_on_gpu(probe);
    CHECK(mismatch(probe.match, got, probe.expected) == "");
    CHECK(mismatch(probe.match, got, run_on_executor(probe)) == "");
  }
}
