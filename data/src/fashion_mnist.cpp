// SPDX-License-Identifier: Apache-2.0
#include "accrete/data/fashion_mnist.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "accrete/data/idx_file.h"
#include "accrete/kernels/error.h"
#include "fashion_mnist_files.h"
#include "host_memory.h"

namespace accrete::data {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kClasses = 10;

// Its authors' bucket (github.com/zalandoresearch/fashion-mnist), by the address that has a
// certificate. The digests are of the files whose MD5 digests they publish.
constexpr const char* kAddress = "https://fashion-mnist.s3.eu-central-1.amazonaws.com/";

std::string ways_to_get_it(const FieldNames& names) {
  return "Three ways to get Fashion-MNIST: (1) install Debian's package dataset-fashion-mnist; (2) "
         "put the four *-ubyte.gz files in a folder and name it in " +
         named(names, "folder") +
         " or in the environment variable ACCRETE_DATA; (3) connect to the internet and run again, "
         "they are then downloaded" +
         (no_downloads_because().empty() ? "" : " by a build with libcurl, which this one is not");
}

bool file_exists(const std::string& folder, const fs::path& path) {
  std::error_code status;
  const fs::file_type type = fs::status(path, status).type();
  if (type == fs::file_type::none) {
    throw Error(ErrorCode::data, "folder " + folder + " cannot be searched: " + status.message() +
                                     "; change its permissions, or name another");
  }
  return type != fs::file_type::not_found;
}

// "<folder>/<stem>.gz" or "<folder>/<stem>", whichever exists.
std::string find_file(const std::string& folder, const std::string& stem) {
  for (const std::string& name : {stem + ".gz", stem}) {
    const fs::path path = fs::path(folder) / name;
    if (file_exists(folder, path)) {
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

struct SplitFiles {
  std::string images, labels;
};

SplitFiles split_files(const std::string& folder, const std::string& prefix,
                       const FieldNames& names) {
  SplitFiles files = {find_file(folder, prefix + "-images-idx3-ubyte"),
                      find_file(folder, prefix + "-labels-idx1-ubyte")};
  if (files.images.empty() || files.labels.empty()) {
    throw Error(ErrorCode::data, "folder " + folder + " has no " + prefix +
                                     "-images-idx3-ubyte[.gz] and " + prefix +
                                     "-labels-idx1-ubyte[.gz]. " + ways_to_get_it(names));
  }
  return files;
}

// Of the extents of a file of images.
DatasetShape shape_of(const std::vector<std::int64_t>& extents) {
  constexpr std::int64_t kChannels = 1;
  return {extents[0], extents[1], extents[2], kChannels, kClasses};
}

DatasetShape find_shape(const std::string& folder, const std::string& prefix,
                        const FieldNames& names) {
  return shape_of(read_idx_extents(split_files(folder, prefix, names).images, 3));
}

// The folder that the caller names, or the first that has all files.
struct LocalSearch {
  std::string folder;     // empty: none
  std::string looked_in;  // for messages, where there is none
};

LocalSearch search_locally(const FashionMnistSearch& search) {
  if (!search.folder.empty()) {
    return {search.folder, {}};
  }
  std::vector<std::string> candidates;
  if (!search.environment.empty()) {
    candidates.push_back(search.environment);
    candidates.push_back((fs::path(search.environment) / "fashion-mnist").string());
  }
  candidates.push_back(search.system_folder);
  LocalSearch result;
  for (const std::string& folder : candidates) {
    if (has_all_files(folder)) {
      return {folder, {}};
    }
    result.looked_in += result.looked_in.empty() ? folder : ", " + folder;
  }
  return result;
}

ImageDataset read_split(const std::string& folder, const std::string& prefix,
                        const FieldNames& names) {
  const auto [image_path, label_path] = split_files(folder, prefix, names);
  IdxArray images = read_idx(image_path, 3);
  const IdxArray labels = read_idx(label_path, 1);
  if (images.extents[0] != labels.extents[0]) {
    throw Error(ErrorCode::data, image_path + " has " + std::to_string(images.extents[0]) +
                                     " images but " + label_path + " has " +
                                     std::to_string(labels.extents[0]) + " labels");
  }
  ImageDataset split;
  static_cast<DatasetShape&>(split) = shape_of(images.extents);
  split.class_names = {"t-shirt", "trouser", "pullover", "dress", "coat",
                       "sandal",  "shirt",   "sneaker",  "bag",   "ankle boot"};
  split.pixels = std::move(images.bytes);
  split.source = image_path;
  const auto highest = std::max_element(labels.bytes.begin(), labels.bytes.end());
  if (*highest >= split.num_classes) {
    throw Error(ErrorCode::data, label_path + " has a label " + std::to_string(*highest) +
                                     ", labels go from 0 to 9");
  }
  split.labels.assign(labels.bytes.begin(), labels.bytes.end());
  return split;
}

}  // namespace

const std::vector<RemoteFile>& fashion_mnist_files() {
  static const std::vector<RemoteFile> files = {
      {"train-images-idx3-ubyte.gz", 26421880,
       "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
      {"train-labels-idx1-ubyte.gz", 29515,
       "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
      {"t10k-images-idx3-ubyte.gz", 4422102,
       "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
      {"t10k-labels-idx1-ubyte.gz", 5148,
       "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}};
  return files;
}

TrainTest cached_fashion_mnist(const DownloadSite& site, const FashionMnistSearch& search,
                               const std::string& looked_in) {
  try {
    reporting_memory("the download", [&] {
      download_files(site, fashion_mnist_files(), search.cache_folder, search.report);
    });
  } catch (const Error& error) {
    throw Error(error.code(), "Fashion-MNIST was not found in " + looked_in + ", and " +
                                  error.what() + ". " + ways_to_get_it(search.names));
  }
  return read_fashion_mnist(search.cache_folder, search.names);
}

TrainTestShape published_fashion_mnist() {
  return {shape_of({60000, 28, 28}), shape_of({10000, 28, 28}), {}};
}

TrainTest read_fashion_mnist(const std::string& folder, const FieldNames& names) {
  return reporting_memory("the images in " + folder, [&]() -> TrainTest {
    return {read_split(folder, "train", names), read_split(folder, "t10k", names), folder};
  });
}

std::optional<TrainTestShape> find_fashion_mnist(const FashionMnistSearch& search) {
  const LocalSearch found = search_locally(search);
  if (found.folder.empty()) {
    return std::nullopt;
  }
  return TrainTestShape{find_shape(found.folder, "train", search.names),
                        find_shape(found.folder, "t10k", search.names), found.folder};
}

TrainTest load_fashion_mnist(const FashionMnistSearch& search) {
  const LocalSearch found = search_locally(search);
  if (!found.folder.empty()) {
    return read_fashion_mnist(found.folder, search.names);
  }
  if (!search.cache_folder.empty()) {
    return cached_fashion_mnist({kAddress}, search, found.looked_in + ", " + search.cache_folder);
  }
  throw Error(ErrorCode::data, "Fashion-MNIST was not found in " + found.looked_in +
                                   ", and downloads are off. " + ways_to_get_it(search.names));
}

}  // namespace accrete::data
