// SPDX-License-Identifier: Apache-2.0
#include "accrete/data/fashion_mnist.h"

#include <filesystem>
#include <vector>

#include "accrete/data/idx_file.h"
#include "accrete/kernels/error.h"
#include "download.h"

namespace accrete::data {
namespace {

namespace fs = std::filesystem;

// The address and the MD5 digests its authors publish (github.com/zalandoresearch/fashion-mnist).
constexpr const char* kAddress = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";
const std::vector<RemoteFile>& remote_files() {
  static const std::vector<RemoteFile> files = {
      {"train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"},
      {"train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"},
      {"t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"},
      {"t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"}};
  return files;
}

constexpr const char* kWaysToGetIt =
    "Three ways to get Fashion-MNIST: (1) install Debian's package dataset-fashion-mnist; (2) put "
    "the four *-ubyte.gz files in a folder and name it in the spec (/data/path) or in the "
    "environment variable ACCRETE_DATA; (3) connect to the internet and run again, they are then "
    "downloaded";

// "<folder>/<stem>.gz" or "<folder>/<stem>", whichever exists.
std::string find_file(const std::string& folder, const std::string& stem) {
  for (const std::string& name : {stem + ".gz", stem}) {
    const fs::path path = fs::path(folder) / name;
    if (fs::exists(path)) {
      return path.string();
    }
  }
  return {};
}

bool has_all_files(const std::string& folder) {
  for (const char* stem : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                           "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    if (find_file(folder, stem).empty()) {
      return false;
    }
  }
  return true;
}

ImageDataset read_split(const std::string& folder, const std::string& prefix) {
  const std::string image_path = find_file(folder, prefix + "-images-idx3-ubyte");
  const std::string label_path = find_file(folder, prefix + "-labels-idx1-ubyte");
  if (image_path.empty() || label_path.empty()) {
    throw Error(ErrorCode::data, "folder " + folder + " has no " + prefix +
                                     "-images-idx3-ubyte[.gz] and " + prefix +
                                     "-labels-idx1-ubyte[.gz]. " + kWaysToGetIt);
  }
  IdxArray images = read_idx(image_path, 3);
  const IdxArray labels = read_idx(label_path, 1);
  if (images.extents[0] != labels.extents[0]) {
    throw Error(ErrorCode::data, image_path + " has " + std::to_string(images.extents[0]) +
                                     " images but " + label_path + " has " +
                                     std::to_string(labels.extents[0]) + " labels");
  }
  ImageDataset split;
  split.num_images = images.extents[0];
  split.height = images.extents[1];
  split.width = images.extents[2];
  split.channels = 1;
  split.class_names = {"t-shirt", "trouser", "pullover", "dress", "coat",
                       "sandal",  "shirt",   "sneaker",  "bag",   "ankle boot"};
  split.num_classes = 10;
  split.pixels = std::move(images.bytes);
  for (const std::uint8_t label : labels.bytes) {
    if (label >= split.num_classes) {
      throw Error(ErrorCode::data,
                  label_path + " has a label " + std::to_string(label) + ", labels go from 0 to 9");
    }
    split.labels.push_back(label);
  }
  return split;
}

}  // namespace

TrainTest read_fashion_mnist(const std::string& folder) {
  return {read_split(folder, "train"), read_split(folder, "t10k"), folder};
}

TrainTest load_fashion_mnist(const FashionMnistSearch& search) {
  if (!search.spec_path.empty()) {
    return read_fashion_mnist(search.spec_path);
  }
  std::vector<std::string> candidates;
  if (!search.environment.empty()) {
    candidates.push_back(search.environment);
    candidates.push_back((fs::path(search.environment) / "fashion-mnist").string());
  }
  candidates.push_back(search.system_folder);
  if (!search.cache_folder.empty()) {
    candidates.push_back(search.cache_folder);
  }
  for (const std::string& folder : candidates) {
    if (has_all_files(folder)) {
      return read_fashion_mnist(folder);
    }
  }
  std::string why = "downloads are off";
  if (!search.cache_folder.empty()) {
    try {
      download_files(kAddress, remote_files(), search.cache_folder, search.report);
      return read_fashion_mnist(search.cache_folder);
    } catch (const Error& error) {
      why = error.what();
    }
  }
  std::string looked_in;
  for (const std::string& folder : candidates) {
    looked_in += looked_in.empty() ? folder : ", " + folder;
  }
  throw Error(ErrorCode::data,
              "Fashion-MNIST was not found in " + looked_in + ", and " + why + ". " + kWaysToGetIt);
}

}  // namespace accrete::data
