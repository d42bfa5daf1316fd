// SPDX-License-Identifier: Apache-2.0
#include "byte_source.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "accrete/kernels/error.h"

namespace accrete::data {
namespace {

void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::data, path + " cannot be read: " + why);
}

constexpr std::int64_t kBufferBytes = std::int64_t{1} << 17;
constexpr std::int64_t kLeastBuffer = 2;                   // what tells gzip from plain files
constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // zlib counts in 32 bits
// A match of deflate makes at most 258 bytes and takes at least two bits.
constexpr std::int64_t kMostExpansion = 258 * 4;
constexpr int kGzipWindow = 15 + 16;  // the largest window; + 16: a gzip header and checksum

}  // namespace

FileSource::FileSource(const std::string& path) : file_(path, &refuse) {}

std::size_t MemorySource::read(void* target, std::size_t bytes) {
  const std::size_t count = std::min(bytes, left_);
  std::copy_n(at_, count, static_cast<unsigned char*>(target));
  at_ += count;
  left_ -= count;
  return count;
}

GzipReader::GzipReader(ByteSource& source, std::string name)
    : source_(source),
      name_(std::move(name)),
      buffer_(static_cast<std::size_t>(std::clamp(source.size(), kLeastBuffer, kBufferBytes))) {
  stream_.next_in = buffer_.data();
  compressed_ = at_member();
  if (compressed_ && inflateInit2(&stream_, kGzipWindow) != Z_OK) {
    throw std::bad_alloc();
  }
}

GzipReader::~GzipReader() {
  if (compressed_) {
    inflateEnd(&stream_);
  }
}

CheckedSize GzipReader::most_bytes() const {
  return CheckedSize(source_.size()) * (compressed_ ? kMostExpansion : 1);
}

std::size_t GzipReader::read(void* target, std::size_t bytes) {
  auto* at = static_cast<unsigned char*>(target);
  const std::size_t count = std::min(bytes, kMostAtOnce);
  return compressed_ ? decompress(at, count) : copy(at, count);
}

// Whether `count` bytes of input lie in the buffer, after filling it up where they do not.
bool GzipReader::have_input(std::size_t count) {
  if (stream_.avail_in >= count) {
    return true;
  }
  std::memmove(buffer_.data(), stream_.next_in, stream_.avail_in);
  stream_.next_in = buffer_.data();
  while (stream_.avail_in < count) {
    const std::size_t got =
        source_.read(buffer_.data() + stream_.avail_in, buffer_.size() - stream_.avail_in);
    if (got == 0) {
      return false;
    }
    stream_.avail_in += static_cast<unsigned>(got);
  }
  return true;
}

bool GzipReader::at_member() {
  return have_input(2) && stream_.next_in[0] == 0x1F && stream_.next_in[1] == 0x8B;
}

// Goes on to the next member of the file; false if there is none.
bool GzipReader::next_member() {
  if (!have_input(1)) {
    return false;
  }
  if (!at_member()) {
    reject("it has bytes behind its compressed data");
  }
  inflateReset(&stream_);
  between_members_ = false;
  return true;
}

std::size_t GzipReader::copy(unsigned char* target, std::size_t bytes) {
  if (stream_.avail_in == 0) {
    return source_.read(target, bytes);
  }
  const std::size_t count = std::min<std::size_t>(bytes, stream_.avail_in);
  std::copy_n(stream_.next_in, count, target);
  stream_.next_in += count;
  stream_.avail_in -= static_cast<unsigned>(count);
  return count;
}

std::size_t GzipReader::decompress(unsigned char* target, std::size_t bytes) {
  stream_.next_out = target;
  stream_.avail_out = static_cast<unsigned>(bytes);
  while (stream_.avail_out == bytes) {
    if (between_members_ && !next_member()) {
      return 0;
    }
    if (!have_input(1)) {
      reject("the compressed data ends early; the file is truncated");
    }
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) {
      throw std::bad_alloc();
    }
    if (status != Z_OK && status != Z_STREAM_END) {
      reject(std::string("the compressed data is damaged (") +
             (stream_.msg != nullptr ? stream_.msg : zError(status)) + ")");
    }
    between_members_ = status == Z_STREAM_END;
  }
  return bytes - stream_.avail_out;
}

void GzipReader::reject(const std::string& why) const {
  throw Error(ErrorCode::data, name_ + " is not usable: " + why);
}

}  // namespace accrete::data
