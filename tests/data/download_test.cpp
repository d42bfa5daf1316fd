// SPDX-License-Identifier: Apache-2.0
// Downloads with digest check, from file:// addresses: no network is needed.
#include "download.h"

#include <filesystem>
#include <fstream>

#include "accrete/kernels/error.h"
#include "support/catch.h"

namespace accrete::data {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

constexpr const char* kMd5OfAbc = "900150983cd24fb0d6963f7d28e17f72";  // RFC 1321, section A.5

std::string fresh_folder(const std::string& name) {
  const std::string folder = "download_test_files/" + name;
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

// A "server" that holds one file with the text "abc".
std::string address_with_abc() {
  const std::string folder = fresh_folder("server");
  std::ofstream(folder + "/letters", std::ios::binary) << "abc";
  return "file://" + fs::absolute(folder).string() + "/";
}

}  // namespace

TEST_CASE("the digest of a file") {
  address_with_abc();
  CHECK(file_md5("download_test_files/server/letters") == kMd5OfAbc);
  CHECK(file_md5("download_test_files/absent").empty());
}

TEST_CASE("a file with the right digest arrives, and is not fetched twice") {
  const std::string address = address_with_abc();
  const std::string target = fresh_folder("target") + "/deeper";
  int reports = 0;
  const auto count = [&](const std::string& message) {
    CHECK_THAT(message, Contains(address));
    ++reports;
  };
  download_files(address, {{"letters", kMd5OfAbc}}, target, count);
  CHECK(file_md5(target + "/letters") == kMd5OfAbc);
  download_files(address, {{"letters", kMd5OfAbc}}, target, count);
  CHECK(reports == 1);
}

TEST_CASE("a file with another digest, or none at all, leaves nothing behind") {
  const std::string address = address_with_abc();
  const std::string target = fresh_folder("rejected");
  CHECK_THROWS_WITH(
      download_files(address, {{"letters", "00000000000000000000000000000000"}}, target, {}),
      Contains(kMd5OfAbc) && Contains("expected 0000"));
  CHECK_THROWS_WITH(download_files(address, {{"absent", kMd5OfAbc}}, target, {}),
                    Contains("absent failed"));
  CHECK(fs::is_empty(target));
}

TEST_CASE("a folder that cannot be made is named") {
  const std::string folder = fresh_folder("blocked");
  std::ofstream(folder + "/file") << "in the way";
  CHECK_THROWS_WITH(download_files("file:///", {{"x", kMd5OfAbc}}, folder + "/file/sub", {}),
                    Contains(folder + "/file/sub"));
}

}  // namespace accrete::data
