// SPDX-License-Identifier: Apache-2.0
#include <curl/curl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "accrete/kernels/error.h"
#include "download.h"

namespace accrete::data {
namespace {

constexpr long kConnectSeconds = 10;
constexpr long kStalledSeconds = 30;
constexpr long kStalledBytesPerSecond = 1024;
constexpr long kMostRedirections = 5;
constexpr long kRangeNotSatisfiable = 416;

using Handle = std::unique_ptr<CURL, void (*)(CURL*)>;
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

[[noreturn]] void refuse(const Transfer& transfer, const std::string& why) {
  throw Error(ErrorCode::data, "downloading " + transfer.url + " failed: " + why);
}

[[noreturn]] void refuse_writing(const Transfer& transfer, int reason) {
  throw Error(ErrorCode::data, "cannot write " + transfer.path + ": " + std::strerror(reason));
}

struct Sink {
  std::FILE* file;
  std::int64_t room;
  bool overflowed = false;
  int write_error = 0;
};

// libcurl takes anything but `count` for an error.
std::size_t write_some(char* bytes, std::size_t /*one*/, std::size_t count, void* context) {
  auto& sink = *static_cast<Sink*>(context);
  if (static_cast<std::int64_t>(count) > sink.room) {
    sink.overflowed = true;
    return 0;
  }
  if (std::fwrite(bytes, 1, count, sink.file) != count) {
    sink.write_error = errno;
    return 0;
  }
  sink.room -= static_cast<std::int64_t>(count);
  return count;
}

void set_up(CURL* curl, const Transfer& transfer, Sink& sink) {
  curl_easy_setopt(curl, CURLOPT_URL, transfer.url.c_str());
  if (curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, transfer.protocols.c_str()) != CURLE_OK ||
      curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, transfer.protocols.c_str()) != CURLE_OK) {
    refuse(transfer, "this machine's libcurl does not speak " + transfer.protocols);
  }
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &write_some);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
  curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.have));
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMostRedirections);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kStalledBytesPerSecond);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
}

long response_of(CURL* curl) {
  long response = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response);
  return response;
}

bool refused_to_resume(CURL* curl, const Transfer& transfer, CURLcode status) {
  return transfer.have > 0 && (status == CURLE_RANGE_ERROR || status == CURLE_BAD_DOWNLOAD_RESUME ||
                               response_of(curl) == kRangeNotSatisfiable);
}

TransferEnd end_of(CURL* curl, const Transfer& transfer, const Sink& sink, CURLcode status) {
  if (sink.write_error != 0) {
    refuse_writing(transfer, sink.write_error);
  }
  if (sink.overflowed) {
    refuse(transfer, "the server sends more than the " + std::to_string(transfer.most_bytes) +
                         " bytes expected");
  }
  if (refused_to_resume(curl, transfer, status)) {
    return TransferEnd::cannot_resume;
  }
  if (status == CURLE_HTTP_RETURNED_ERROR) {
    refuse(transfer, "the server answers with HTTP status " + std::to_string(response_of(curl)));
  }
  if (status != CURLE_OK) {
    refuse(transfer, curl_easy_strerror(status));
  }
  return TransferEnd::complete;
}

}  // namespace

std::string no_downloads_because() {
  return {};
}

TransferEnd fetch(const Transfer& transfer) {
  const Handle curl(curl_easy_init(), &curl_easy_cleanup);
  File file(std::fopen(transfer.path.c_str(), transfer.have > 0 ? "ab" : "wb"), &std::fclose);
  if (!file) {
    refuse_writing(transfer, errno);
  }
  if (!curl) {
    refuse(transfer, "libcurl does not start");
  }
  Sink sink{file.get(), transfer.most_bytes - transfer.have};
  set_up(curl.get(), transfer, sink);
  const CURLcode status = curl_easy_perform(curl.get());
  if (std::fclose(file.release()) != 0 && sink.write_error == 0) {
    sink.write_error = errno;
  }
  return end_of(curl.get(), transfer, sink, status);
}

}  // namespace accrete::data
