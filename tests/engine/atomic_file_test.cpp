// SPDX-License-Identifier: Apache-2.0
// Files that are replaced, linked and appended to, where something is in the way.
#include "accrete/engine/atomic_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "accrete/kernels/error.h"
#include "support/catch.h"
#include "support/files.h"

namespace accrete::test {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

std::string fresh(const std::string& name) {
  const fs::path folder = fs::path("atomic_file_files") / name;
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder.string() + "/";
}

std::ptrdiff_t files_in(const std::string& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

}  // namespace

TEST_CASE("a file is replaced as a whole, or not at all") {
  const std::string folder = fresh("replace");
  replace_file(folder + "a", "first");
  CHECK(content_of(folder + "a") == "first");
  {
    AtomicFile file(folder + "a");
    file.write("sec", 3);
  }
  CHECK(content_of(folder + "a") == "first");
  replace_file(folder + "a", "");
  CHECK(fs::file_size(folder + "a") == 0);
  CHECK(files_in(folder) == 1);
}

TEST_CASE("what lies where the temporary file goes is removed, never written to") {
  const std::string folder = fresh("links");
  write_plain(folder + "precious", "precious");
  fs::create_symlink("precious", temporary_of(folder + "a"));
  replace_file(folder + "a", "text");
  CHECK(content_of(folder + "a") == "text");
  fs::create_hard_link(folder + "precious", temporary_of(folder + "a"));
  replace_file(folder + "a", "more");
  fs::create_symlink("nowhere", temporary_of(folder + "a"));
  replace_file(folder + "a", "most");
  REQUIRE(mkfifo(temporary_of(folder + "a").c_str(), 0600) == 0);
  replace_file(folder + "a", "done");
  CHECK(content_of(folder + "a") == "done");
  CHECK(content_of(folder + "precious") == "precious");
  CHECK(files_in(folder) == 2);
  fs::create_directories(temporary_of(folder + "a"));
  CHECK_THROWS_WITH(replace_file(folder + "a", "x"), Contains("cannot create " + folder + "a.tmp"));
  CHECK(content_of(folder + "a") == "done");
}

TEST_CASE("a link in the place of the file is replaced, not followed") {
  const std::string folder = fresh("final_link");
  write_plain(folder + "precious", "precious");
  fs::create_symlink("precious", folder + "a");
  replace_file(folder + "a", "text");
  CHECK(content_of(folder + "precious") == "precious");
  CHECK_FALSE(fs::is_symlink(folder + "a"));
}

TEST_CASE("another name of a file replaces what was there") {
  const std::string folder = fresh("hard_links");
  write_plain(folder + "target", "text");
  REQUIRE(replace_with_link(folder + "target", folder + "best"));
  CHECK(fs::equivalent(folder + "target", folder + "best"));
  REQUIRE(replace_with_link(folder + "target", folder + "best"));  // which it is already
  CHECK(files_in(folder) == 2);
  replace_file(folder + "target", "other");
  CHECK(content_of(folder + "best") == "text");
  CHECK_FALSE(replace_with_link(folder + "none", folder + "best"));
  CHECK(content_of(folder + "best") == "text");
  fs::create_directories(folder + "folder/full");
  CHECK_THROWS_WITH(replace_with_link(folder + "target", folder + "folder"),
                    Contains("cannot rename"));
  CHECK(files_in(folder) == 3);
}

TEST_CASE("lines are appended to regular files only") {
  const std::string folder = fresh("append");
  append_to_file(folder + "log", "one\n");
  append_to_file(folder + "log", "two\n");
  CHECK(content_of(folder + "log") == "one\ntwo\n");
  fs::create_symlink("log", folder + "link");
  CHECK_THROWS_WITH(append_to_file(folder + "link", "x"), Contains("cannot open"));
  REQUIRE(mkfifo((folder + "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(append_to_file(folder + "pipe", "x"), Contains("cannot open"));
  CHECK_THROWS_WITH(append_to_file(folder, "x"), Contains("cannot open"));
  CHECK_THROWS_WITH(append_to_file(folder + "no/log", "x"), Contains("folder exists"));
  CHECK(content_of(folder + "log") == "one\ntwo\n");
}

}  // namespace accrete::test
