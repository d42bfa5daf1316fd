// SPDX-License-Identifier: Apache-2.0
// CRC32C: published sums, and both ways to compute it against the definition, bit by bit.
#include "accrete/kernels/crc32c.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "files/crc32c.h"
#include "support/catch.h"

namespace accrete {
namespace {

using Bytes = std::vector<unsigned char>;
using Update = kernels::cpu::Crc32cUpdate;

std::uint32_t reversed(std::uint32_t value) {
  std::uint32_t result = 0;
  for (unsigned bit = 0; bit < 32; ++bit) {
    result |= ((value >> bit) & 1U) << (31 - bit);
  }
  return result;
}

/// Divides by the polynomial as RFC 3720 writes it, 0x11EDC6F41, its bits in their usual order: the
/// bits of each byte come lowest first, and those of the sum are reversed at the ends.
std::uint32_t by_bits(std::uint32_t before, const unsigned char* at, std::size_t bytes) {
  std::uint32_t remainder = reversed(~before);
  for (std::size_t i = 0; i < bytes; ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const bool carry = ((remainder >> 31) ^ (static_cast<unsigned>(at[i]) >> bit & 1U)) != 0;
      remainder = (remainder << 1) ^ (carry ? 0x1EDC6F41U : 0U);
    }
  }
  return ~reversed(remainder);
}

std::uint32_t sum_by(Update update, const Bytes& bytes) {
  return ~update(~0U, bytes.data(), bytes.size());
}

/// The tables, and the instruction where there is one.
std::vector<Update> implementations() {
  std::vector<Update> all = {kernels::cpu::crc32c_by_tables};
  if (const Update instruction = kernels::cpu::crc32c_by_instruction(); instruction != nullptr) {
    all.push_back(instruction);
  }
  return all;
}

/// Bytes in no order.
Bytes noise(std::size_t count) {
  Bytes bytes(count);
  std::uint32_t state = 1;
  for (unsigned char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<unsigned char>(state >> 24);
  }
  return bytes;
}

struct Published {
  Bytes bytes;
  std::uint32_t sum;
};

Bytes counting(int from, int step) {
  Bytes bytes;
  for (int i = 0; i < 32; ++i) {
    bytes.push_back(static_cast<unsigned char>(from + i * step));
  }
  return bytes;
}

/// RFC 3720, appendix B.4, which prints the bytes of a sum lowest first; then the check value that
/// catalogues of CRCs give.
std::vector<Published> published() {
  Bytes read_command(48);
  read_command[0] = 0x01;
  read_command[1] = 0xC0;
  read_command[16] = 0x14;
  read_command[22] = 0x04;
  read_command[27] = 0x14;
  read_command[31] = 0x18;
  read_command[32] = 0x28;
  read_command[40] = 0x02;
  const std::string digits = "123456789";
  return {{counting(0, 0), 0x8A9136AAU}, {counting(0xFF, 0), 0x62A8AB43U},
          {counting(0, 1), 0x46DD794EU}, {counting(31, -1), 0x113FDB5CU},
          {read_command, 0xD9963A56U},   {Bytes(digits.begin(), digits.end()), 0xE3069283U}};
}

}  // namespace

TEST_CASE("the sums that are published come out") {
  for (const Published& known : published()) {
    CHECK(by_bits(0, known.bytes.data(), known.bytes.size()) == known.sum);
    CHECK(crc32c(known.bytes.data(), known.bytes.size()) == known.sum);
    for (const Update update : implementations()) {
      CHECK(sum_by(update, known.bytes) == known.sum);
    }
  }
}

TEST_CASE("no bytes leave the sum as it was") {
  const unsigned char byte = 7;
  for (const std::uint32_t before : {0U, 1U, 0x8A9136AAU, 0xFFFFFFFFU}) {
    CHECK(crc32c(nullptr, 0, before) == before);
    CHECK(crc32c(&byte, 0, before) == before);
    for (const Update update : implementations()) {
      CHECK(update(before, nullptr, 0) == before);
    }
  }
  CHECK(crc32c(nullptr, 0) == 0);
}

TEST_CASE("a sum may be continued at any byte") {
  const Bytes bytes = noise(200);
  const std::uint32_t whole = crc32c(bytes.data(), bytes.size());
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    const std::uint32_t first = crc32c(bytes.data(), split);
    CHECK(crc32c(bytes.data() + split, bytes.size() - split, first) == whole);
    for (const Update update : implementations()) {
      const std::uint32_t middle = update(~0U, bytes.data(), split);
      CHECK(~update(middle, bytes.data() + split, bytes.size() - split) == whole);
    }
  }
}

TEST_CASE("every alignment and length agrees with the definition, and reads nothing else") {
  const Bytes bytes = noise(300);
  const std::uint32_t before = 0x1234ABCDU;
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const std::uint32_t expected = by_bits(before, bytes.data(), length);
    for (std::size_t offset = 0; offset <= 8; ++offset) {
      // Ends where its memory does, so that the sanitizer sees a byte too many.
      const auto memory = std::make_unique<unsigned char[]>(offset + length);
      std::copy_n(bytes.begin(), length, memory.get() + offset);
      CAPTURE(length, offset);
      REQUIRE(crc32c(memory.get() + offset, length, before) == expected);
      for (const Update update : implementations()) {
        REQUIRE(~update(~before, memory.get() + offset, length) == expected);
      }
    }
  }
}

TEST_CASE("every flipped bit changes the sum") {
  Bytes bytes = noise(64);
  const std::uint32_t sum = crc32c(bytes.data(), bytes.size());
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    const auto bit = static_cast<unsigned char>(1U << (i % 8));
    bytes[i / 8] ^= bit;
    CAPTURE(i);
    CHECK(crc32c(bytes.data(), bytes.size()) != sum);
    for (const Update update : implementations()) {
      CHECK(sum_by(update, bytes) != sum);
    }
    bytes[i / 8] ^= bit;
  }
  CHECK(crc32c(bytes.data(), bytes.size()) == sum);
}

}  // namespace accrete
