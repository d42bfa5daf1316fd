// SPDX-License-Identifier: Apache-2.0
// The Fashion-MNIST reader, where it looks for its files, and the cache of downloaded ones.
#include "accrete/data/fashion_mnist.h"

#include <sys/stat.h>
#include <unistd.h>

#include "accrete/kernels/error.h"
#include "fashion_mnist_files.h"
#include "sha256.h"
#include "support/catch.h"
#include "support/idx_content.h"

namespace accrete::data {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using namespace test;

// A folder with two images of 2x3 per split.
std::string small_folder(const std::string& name, const std::string& labels) {
  const std::string folder = scratch(name);
  fs::create_directories(folder);
  for (const char* split : {"train", "t10k"}) {
    write_gzip(folder + "/" + split + "-images-idx3-ubyte.gz",
               idx(0x803, {2, 2, 3}, "abcdefghijkl"));
    write_plain(folder + "/" + split + "-labels-idx1-ubyte",
                idx(0x801, {static_cast<std::uint32_t>(labels.size())}, labels));
  }
  return folder;
}

// While it lives, this process has no more rights than any user, and none to the folder.
class ClosedFolder {
 public:
  explicit ClosedFolder(const std::string& folder) : folder_(folder) {
    REQUIRE(::chmod(folder.c_str(), 0) == 0);
    if (::geteuid() == 0) {
      REQUIRE(::seteuid(65534) == 0);
    }
  }
  ~ClosedFolder() {
    if (::getuid() == 0 && ::seteuid(0) != 0) {
      std::abort();
    }
    ::chmod(folder_.c_str(), 0700);
  }
  ClosedFolder(const ClosedFolder&) = delete;
  ClosedFolder& operator=(const ClosedFolder&) = delete;

 private:
  std::string folder_;
};

// A folder with the files that their authors publish, made from Debian's, which differ in the
// header that gzip writes: it has no name and another time. Empty where Debian's are not installed.
std::string published_files() {
  const std::string installed = FashionMnistSearch().system_folder;
  if (!fs::exists(installed)) {
    return {};
  }
  const std::string folder = scratch("published");
  fs::create_directories(folder);
  for (const RemoteFile& file : fashion_mnist_files()) {
    const bool train = file.name.rfind("train", 0) == 0;
    const std::string time = train ? "\xDE\xE9\xA7\x59" : "\xF3\xE9\xA7\x59";  // 31 August 2017
    const std::string stem = file.name.substr(0, file.name.size() - 3);
    write_plain(folder + "/" + file.name, "\x1f\x8b\x08\x08" + time + std::string("\0\x03", 2) +
                                              stem + std::string(1, '\0') +
                                              content_of(installed + "/" + file.name).substr(10));
  }
  return folder;
}

}  // namespace

TEST_CASE("a Fashion-MNIST folder is read and checked") {
  const TrainTest sets = read_fashion_mnist(small_folder("good", std::string("\x03\x09", 2)));
  CHECK(sets.train.num_images == 2);
  CHECK(sets.train.height == 2);
  CHECK(sets.train.width == 3);
  CHECK(sets.test.labels == std::vector<std::int32_t>{3, 9});
  CHECK(*sets.train.image(1) == 'g');
  CHECK_THROWS_WITH(read_fashion_mnist(small_folder("count", std::string("\x03\x09\x01", 3))),
                    Contains("2 images") && Contains("3 labels"));
  CHECK_THROWS_WITH(read_fashion_mnist(small_folder("label", std::string("\x03\x0a", 2))),
                    Contains("label 10"));
}

TEST_CASE("the search takes the first place that has the files") {
  const std::string folder = small_folder("found", std::string("\x01\x02", 2));
  FashionMnistSearch search;
  search.system_folder = scratch("nothing-here");
  search.environment = folder;
  CHECK(load_fashion_mnist(search).source == folder);
  search.environment.clear();
  search.system_folder = folder;
  CHECK(load_fashion_mnist(search).source == folder);
  search.folder = scratch("named-but-empty");
  CHECK_THROWS_WITH(load_fashion_mnist(search),
                    Contains("named-but-empty") && Contains("Three ways"));
}

TEST_CASE("when nothing works the message names all places and all ways") {
  FashionMnistSearch search;
  search.environment = scratch("env");
  search.system_folder = scratch("sys");
  CHECK_THROWS_WITH(load_fashion_mnist(search),
                    Contains("env") && Contains("sys") && Contains("dataset-fashion-mnist") &&
                        Contains("ACCRETE_DATA") && Contains("downloaded"));
  search.names = [](const std::string& field) { return "--" + field; };
  CHECK_THROWS_WITH(load_fashion_mnist(search), Contains("name it in --folder or"));
}

TEST_CASE("shapes are known from headers alone") {
  const std::string folder = scratch("headers");
  write_split(folder, "train", 5, 4, 3);
  write_split(folder, "t10k", 2, 7, 6);
  FashionMnistSearch search;
  search.folder = folder;
  const auto found = find_fashion_mnist(search);
  REQUIRE(found);
  CHECK(found->train.num_images == 5);
  CHECK(found->train.width == 3);
  CHECK(found->train.channels == 1);
  CHECK(found->train.num_classes == 10);
  CHECK(found->source == folder);
  CHECK(found->test.height == 7);
  // A header that announces more than its file holds is refused here, too.
  write_plain(folder + "/t10k-images-idx3-ubyte", idx(0x803, {2, 1000, 1000}, "few"));
  CHECK_THROWS_WITH(find_fashion_mnist(search), Contains("truncated"));
  search.folder.clear();
  search.system_folder = scratch("nothing-here");
  search.environment = folder + "/none";
  search.cache_folder = scratch("no-cache");
  CHECK_FALSE(find_fashion_mnist(search));
}

TEST_CASE("a folder that cannot be searched is named") {
  const std::string folder = small_folder("closed/inner", std::string("\x01\x02", 2));
  const std::string outer = scratch("closed");
  FashionMnistSearch named;
  named.folder = folder;
  FashionMnistSearch environment;
  environment.environment = folder;
  FashionMnistSearch system;
  system.system_folder = folder;
  for (const std::string& closed : {folder, outer}) {
    for (const FashionMnistSearch& search : {named, environment, system}) {
      const ClosedFolder rights(closed);
      try {
        load_fashion_mnist(search);
        FAIL("no error");
      } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::data);
        CHECK_THAT(error.what(), Contains(folder) && Contains("Permission denied"));
      }
    }
  }
  CHECK(load_fashion_mnist(named).train.num_images == 2);
}

TEST_CASE("a file of the folder that cannot be read is named") {
  const std::string folder = small_folder("closed-file", std::string("\x01\x02", 2));
  const std::string file = folder + "/t10k-labels-idx1-ubyte";
  {
    const ClosedFolder rights(file);
    CHECK_THROWS_WITH(read_fashion_mnist(folder), Contains(file) && Contains("Permission denied"));
  }
  fs::remove(file);
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  CHECK_THROWS_WITH(read_fashion_mnist(folder), Contains(file) && Contains("regular file"));
  fs::remove(file);
  fs::create_directories(file);
  CHECK_THROWS_WITH(read_fashion_mnist(folder), Contains(file) && Contains("it is a folder"));
  fs::remove(file);
}

TEST_CASE("a set knows the file of its images") {
  const std::string folder = small_folder("sources", std::string("\x01\x02", 2));
  write_plain(folder + "/t10k-images-idx3-ubyte.gz", idx(0x803, {2, 1, 1}, "ab"));
  const TrainTest sets = read_fashion_mnist(folder);  // sizes that differ may yet be resized
  CHECK(sets.train.source == folder + "/train-images-idx3-ubyte.gz");
  CHECK(sets.test.source == folder + "/t10k-images-idx3-ubyte.gz");
  CHECK(sets.test.height == 1);
}

TEST_CASE("the digests are those of the files whose MD5 digests are published") {
  const std::string folder = published_files();
  if (folder.empty()) {
    WARN("Debian's package dataset-fashion-mnist is not installed");
    return;
  }
  for (const RemoteFile& file : fashion_mnist_files()) {
    CHECK(sha256_of_file(folder + "/" + file.name) == file.sha256);
    CHECK(static_cast<std::int64_t>(fs::file_size(folder + "/" + file.name)) == file.bytes);
  }
}

TEST_CASE("what is in the cache is never trained on without its digest") {
  const std::string published = published_files();
  FashionMnistSearch search;
  search.cache_folder = scratch("cache");
  fs::remove_all(search.cache_folder);
  fs::create_directories(search.cache_folder);
  fs::copy(small_folder("small", std::string("\x01\x02", 2)), search.cache_folder);
  const DownloadSite nowhere = {"file:///no-such-folder/", "file"};
  CHECK_THROWS_WITH(
      cached_fashion_mnist(nowhere, search, "places"),
      Contains("places") && Contains("train-images-idx3-ubyte.gz") && Contains("Three ways"));
  if (published.empty() || !no_downloads_because().empty()) {
    return;
  }
  const DownloadSite site = {"file://" + fs::absolute(published).string() + "/", "file"};
  CHECK(cached_fashion_mnist(site, search, "places").train.num_images == 60000);
  CHECK(cached_fashion_mnist(nowhere, search, "places").test.num_images == 10000);
  const std::string labels = search.cache_folder + "/t10k-labels-idx1-ubyte.gz";
  write_gzip(labels, idx(0x801, {10000}, std::string(10000, '\x01')));
  CHECK_THROWS_WITH(cached_fashion_mnist(nowhere, search, "places"), Contains("t10k-labels"));
  CHECK(cached_fashion_mnist(site, search, "places").test.labels[0] == 9);
}

}  // namespace accrete::data
