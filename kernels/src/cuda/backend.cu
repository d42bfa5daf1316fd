// SPDX-License-Identifier: Apache-2.0
#include "call/backend.h"

namespace accrete::kernels::cuda {

const Backend& backend() {
  static const Backend table{ACCRETE_CALLS(ACCRETE_KERNEL_ADDRESS){}};
  return table;
}

}  // namespace accrete::kernels::cuda
