// SPDX-License-Identifier: Apache-2.0
#include "call/backend.h"

namespace accrete::kernels {

const Backend& cpu_backend() {
  using cpu::run;
  static constexpr Backend table{ACCRETE_CALLS(ACCRETE_KERNEL_ADDRESS){}};
  return table;
}

}  // namespace accrete::kernels
