// SPDX-License-Identifier: Apache-2.0
// The four files as their authors publish them, and where they come from.
#pragma once

#include <string>
#include <vector>

#include "accrete/data/fashion_mnist.h"
#include "download.h"

namespace accrete::data {

const std::vector<RemoteFile>& fashion_mnist_files();

/// What is in the search's cache folder, after fetching from `site` what is missing there or is not
/// what was published. Error(data) saying that nothing was found in `looked_in` either.
TrainTest cached_fashion_mnist(const DownloadSite& site, const FashionMnistSearch& search,
                               const std::string& looked_in);

}  // namespace accrete::data
