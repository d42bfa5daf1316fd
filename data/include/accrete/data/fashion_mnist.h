// SPDX-License-Identifier: Apache-2.0
// Fashion-MNIST (Xiao, Rasul & Vollgraf, arXiv 1708.07747): 60,000 + 10,000 grey 28x28 images of
// 10 classes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "accrete/data/dataset.h"

namespace accrete::data {

struct FashionMnistSearch {
  std::string folder;        ///< the one to read; if given, nothing else is tried
  std::string environment;   ///< value of ACCRETE_DATA: the folder, or one that has fashion-mnist/
  std::string cache_folder;  ///< where a download goes; empty: do not download
  std::string system_folder = "/usr/share/datasets/fashion-mnist";  ///< Debian's package
  std::function<void(const std::string&)> report;  ///< told what is downloaded; may be empty
  FieldNames names;                                ///< asked for "folder"
};

/// Finds the four files in the order folder, environment, system folder, cache, download over
/// https, reads and checks them. What is in the cache counts only with the digest that was
/// published, and is fetched again without. Error(data) naming the folder if one cannot be
/// searched, or the three ways to get the data when nothing works.
TrainTest load_fashion_mnist(const FashionMnistSearch& search);

/// The shape of the sets as they were published.
TrainTestShape published_fashion_mnist();

/// That of the sets that load_fashion_mnist would read, from the headers of their files, and their
/// folder; nothing if it would have to download them or take them from its cache. Errors as of
/// load_fashion_mnist, as far as headers show them.
std::optional<TrainTestShape> find_fashion_mnist(const FashionMnistSearch& search);

/// Reads the four files (plain or .gz) of one folder. Errors as of read_idx; Error(data) if images
/// and labels differ in number, a label is above 9, or the folder cannot be searched. Training and
/// test images may differ in size: a loader resizes each set from its own.
TrainTest read_fashion_mnist(const std::string& folder, const FieldNames& names = {});

}  // namespace accrete::data
