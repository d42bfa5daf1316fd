// SPDX-License-Identifier: Apache-2.0
// SHA-256 against the examples of its standard's authors (csrc.nist.gov, "Examples with
// intermediate values") and around the lengths where padding takes another block.
#include "sha256.h"

#include <algorithm>

#include "accrete/kernels/error.h"
#include "support/catch.h"
#include "support/idx_content.h"

namespace accrete::data {
namespace {

using Catch::Matchers::Contains;

std::string digest_of(const std::string& text) {
  Sha256 digest;
  digest.add(text.data(), text.size());
  return digest.hex();
}

}  // namespace

TEST_CASE("the published examples") {
  CHECK(digest_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(digest_of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopq"
                  "klmnopqrlmnopqrsmnopqrstnopqrstu") ==
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  CHECK(digest_of(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("pieces of any length make the digest of the whole") {
  const std::string text(200, 'x');
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const std::string whole = digest_of(text.substr(0, length));
    for (const std::size_t piece : {1U, 7U, 55U, 64U, 65U}) {
      Sha256 digest;
      for (std::size_t at = 0; at < length; at += piece) {
        digest.add(text.data() + at, std::min(piece, length - at));
      }
      REQUIRE(digest.hex() == whole);
    }
  }
}

TEST_CASE("files are read whole, and nothing but files") {
  test::write_plain(test::scratch("digest"), std::string(1'000'000, 'a'));
  CHECK(sha256_of_file(test::scratch("digest")) == digest_of(std::string(1'000'000, 'a')));
  CHECK_THROWS_WITH(sha256_of_file(test::scratch("no-such-file")), Contains("No such file"));
  CHECK_THROWS_WITH(sha256_of_file("/dev/zero"), Contains("not a regular file"));
}

}  // namespace accrete::data
