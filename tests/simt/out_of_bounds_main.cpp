// SPDX-License-Identifier: Apache-2.0
// simt_out_of_bounds global|shared EXTRA: runs a kernel that writes EXTRA elements behind an array.
#include <cstdlib>
#include <memory>
#include <string>

#include "call/backend.h"
#include "simt/launch_kernels.h"

int main(int argc, char** argv) {
  using namespace accrete;
  if (argc != 3) {
    return 2;
  }
  static const kernels::Backend no_ops{};
  const Stream stream = Stream::cuda(0, nullptr, no_ops);
  const int extra = std::atoi(argv[2]);
  if (std::string(argv[1]) == "global") {
    const auto out = std::make_unique<float[]>(32);
    test::launch_write_global(stream, out.get(), extra);
  } else {
    test::launch_write_shared(stream, extra);
  }
  return 0;
}
