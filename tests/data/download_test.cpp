// SPDX-License-Identifier: Apache-2.0
// Downloads from a server on this machine and from file:// addresses: no network is needed.
#include "download.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "accrete/kernels/error.h"
#include "http_server.h"
#include "sha256.h"
#include "support/catch.h"
#include "support/idx_content.h"

namespace accrete::data {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using namespace test;
using Requests = std::vector<std::string>;

std::string fresh_folder(const std::string& name) {
  const std::string folder = "download_test_files/" + name;
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

// A file that no part of which is like another.
std::string letters() {
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += std::to_string(i * 7919);
  }
  return text;
}

RemoteFile remote(const std::string& name, const std::string& content) {
  Sha256 digest;
  digest.add(content.data(), content.size());
  return {name, static_cast<std::int64_t>(content.size()), digest.hex()};
}

struct Fixture {
  std::string content = letters();
  HttpServer server{{{"letters", content}}};
  std::string folder = fresh_folder("target");
  std::string file = folder + "/letters";
  std::string part = file + ".part";
  Requests reports;

  void download(const std::string& protocols = "http") {
    download_files({server.address(), protocols}, {remote("letters", content)}, folder,
                   [&](const std::string& message) { reports.push_back(message); });
  }
  std::string failure(const std::string& protocols = "http") {
    try {
      download(protocols);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::data);
      CHECK_FALSE(fs::exists(file));
      return error.what();
    }
    FAIL("no error");
    return {};
  }
  bool arrived() const { return content_of(file) == content && !fs::exists(part); }
};

}  // namespace

TEST_CASE("a file with the right digest arrives, and is not fetched twice") {
  Fixture f;
  f.folder += "/deeper";
  f.download();
  CHECK(content_of(f.folder + "/letters") == f.content);
  f.download();
  CHECK(f.reports == Requests{"downloading " + f.server.address() + "letters"});
  CHECK(f.server.requests() == Requests{"letters"});
}

TEST_CASE("a file with another digest, or none at all, leaves nothing behind") {
  Fixture f;
  RemoteFile other = remote("letters", "other");
  other.bytes = static_cast<std::int64_t>(f.content.size());
  CHECK_THROWS_WITH(
      download_files({f.server.address(), "http"}, {other}, f.folder, {}),
      Contains(remote("letters", f.content).sha256) && Contains("expected " + other.sha256));
  CHECK_THROWS_WITH(
      download_files({f.server.address(), "http"}, {remote("absent", "x")}, f.folder, {}),
      Contains("absent failed") && Contains("404"));
  CHECK(fs::is_empty(f.folder));
}

TEST_CASE("a transfer that breaks off is gone on with where it ended") {
  Fixture f;
  HttpHabits breaking;
  breaking.break_after = 30'000;
  f.server.set_habits(breaking);
  CHECK_THAT(f.failure(), Contains(f.server.address()));
  CHECK(content_of(f.part) == f.content.substr(0, 30'000));
  CHECK_THAT(f.failure(), Contains(f.server.address()));
  CHECK(content_of(f.part) == f.content.substr(0, 60'000));
  f.server.set_habits({});
  f.download();
  CHECK(f.arrived());
  CHECK(f.server.requests() == Requests{"letters", "letters 30000-", "letters 60000-"});
}

TEST_CASE("what a server that knows no ranges had sent is fetched anew") {
  Fixture f;
  HttpHabits habits;
  habits.ranges = false;
  f.server.set_habits(habits);
  write_plain(f.part, f.content.substr(0, 100));
  f.download();
  CHECK(f.arrived());
  CHECK(f.server.requests() == Requests{"letters 100-", "letters"});
}

TEST_CASE("a beginning that is not the file's costs another transfer, not the file") {
  Fixture f;
  const std::size_t size = f.content.size();
  write_plain(f.part, std::string(100, '?'));
  f.download();
  CHECK(f.arrived());
  fs::remove(f.file);
  write_plain(f.part, std::string(size, '?'));  // as long as the file
  f.download();
  CHECK(f.arrived());
  fs::remove(f.file);
  write_plain(f.part, f.content + "?");  // longer
  f.download();
  CHECK(f.arrived());
  CHECK(f.server.requests() == Requests{"letters 100-", "letters", "letters", "letters"});
}

TEST_CASE("a beginning that is the whole file needs no transfer") {
  Fixture f;
  write_plain(f.part, f.content);
  f.download();
  CHECK(f.arrived());
  CHECK(f.server.requests().empty());
}

TEST_CASE("a cached file that is not the published one is fetched again") {
  Fixture f;
  for (const std::string& content : {std::string(), std::string("x"), f.content + "x"}) {
    write_plain(f.file, content);
    f.download();
    CHECK(f.arrived());
  }
  CHECK(f.server.requests().size() == 3);
}

TEST_CASE("a server that sends no end is left at the size that was published") {
  Fixture f;
  HttpHabits habits;
  habits.endless = true;
  f.server.set_habits(habits);
  CHECK_THAT(f.failure(), Contains("more than the " + std::to_string(f.content.size())));
  CHECK(fs::file_size(f.part) <= f.content.size());
}

TEST_CASE("only https is spoken, unless more is allowed") {
  Fixture f;
  CHECK_THAT(f.failure(DownloadSite().protocols), Contains(f.server.address()));
  CHECK(f.server.requests().empty());
  const std::string served = fresh_folder("served");
  write_plain(served + "/letters", f.content);
  HttpHabits habits;
  habits.redirect_to = "file://" + fs::absolute(served).string() + "/letters";
  f.server.set_habits(habits);
  CHECK_THAT(f.failure("http"), Contains(f.server.address()));
  download_files({"file://" + fs::absolute(served).string() + "/", "file"},
                 {remote("letters", f.content)}, f.folder, {});
  CHECK(f.arrived());
}

TEST_CASE("a server that redirects for ever is left") {
  Fixture f;
  HttpHabits habits;
  habits.redirect_to = f.server.address() + "letters";
  f.server.set_habits(habits);
  CHECK_THAT(f.failure(), Contains("redirects"));
  CHECK(f.server.requests().size() < 10);
}

TEST_CASE("what is in the way of a file is named, not waited for") {
  Fixture f;
  REQUIRE(::mkfifo(f.part.c_str(), 0600) == 0);
  CHECK_THAT(f.failure(), Contains(f.part) && Contains("in the way"));
  fs::remove(f.part);
  fs::create_symlink("elsewhere", f.part);
  CHECK_THAT(f.failure(), Contains(f.part) && Contains("in the way"));
  fs::remove(f.part);
  fs::create_directories(f.file);
  CHECK_THROWS_WITH(f.download(), Contains(f.file) && Contains("it is a folder"));
  fs::remove(f.file);
  REQUIRE(::mkfifo(f.file.c_str(), 0600) == 0);
  CHECK_THROWS_WITH(f.download(), Contains(f.file) && Contains("not a regular file"));
  CHECK(f.server.requests().empty());
}

TEST_CASE("a folder that another process downloads into is left alone") {
  Fixture f;
  const int other = ::open(f.folder.c_str(), O_RDONLY | O_DIRECTORY);
  REQUIRE(::flock(other, LOCK_EX) == 0);
  CHECK_THAT(f.failure(), Contains("another process") && Contains(f.folder));
  ::close(other);
  f.download();
  CHECK(f.arrived());
}

TEST_CASE("a disk that is full is an error that names the file") {
  if (!fs::exists("/dev/full")) {
    return;
  }
  Fixture f;
  CHECK_THROWS_WITH(fetch({f.server.address() + "letters", "http", "/dev/full", 0, 1 << 20}),
                    Contains("/dev/full") && Contains("No space left"));
}

TEST_CASE("a folder that cannot be made is named") {
  const std::string folder = fresh_folder("blocked");
  write_plain(folder + "/file", "in the way");
  CHECK_THROWS_WITH(
      download_files({"file:///", "file"}, {remote("x", "x")}, folder + "/file/sub", {}),
      Contains(folder + "/file/sub"));
}

}  // namespace accrete::data
