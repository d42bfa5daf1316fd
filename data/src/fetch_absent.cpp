// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/error.h"
#include "download.h"

namespace accrete::data {

std::string no_downloads_because() {
  return "this build cannot download (it was configured without libcurl, see ACCRETE_DOWNLOAD)";
}

TransferEnd fetch(const Transfer& transfer) {
  throw Error(ErrorCode::unsupported, transfer.url + ": " + no_downloads_because());
}

}  // namespace accrete::data
