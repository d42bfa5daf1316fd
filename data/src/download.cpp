// SPDX-License-Identifier: Apache-2.0
#include "download.h"

#include <curl/curl.h>
#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "accrete/kernels/error.h"

namespace accrete::data {
namespace {

namespace fs = std::filesystem;
constexpr long kConnectSeconds = 10;
constexpr long kStalledSeconds = 30;

// The caller's argument is a C FILE because that is what libcurl's default writer takes.
void fetch(const std::string& url, const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"),
                                                             &std::fclose);
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), &curl_easy_cleanup);
  if (!file || !curl) {
    throw Error(ErrorCode::data, "cannot write " + path);
  }
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, file.get());
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, 100L);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
  const CURLcode status = curl_easy_perform(curl.get());
  if (status != CURLE_OK) {
    throw Error(ErrorCode::data, "downloading " + url + " failed: " + curl_easy_strerror(status));
  }
}

void fetch_verified(const std::string& url, const RemoteFile& remote, const fs::path& target) {
  const std::string partial = target.string() + ".part";
  try {
    fetch(url, partial);
    const std::string digest = file_md5(partial);
    if (digest != remote.md5) {
      throw Error(ErrorCode::data, "downloading " + url + " gave a file with MD5 " + digest +
                                       ", expected " + remote.md5);
    }
    fs::rename(partial, target);
  } catch (...) {
    std::error_code ignored;
    fs::remove(partial, ignored);
    throw;
  }
}

}  // namespace

std::string file_md5(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   &EVP_MD_CTX_free);
  if (!in || !context || EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr) != 1) {
    return {};
  }
  std::array<char, 1 << 16> buffer{};
  while (in.read(buffer.data(), buffer.size()) || in.gcount() > 0) {
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(in.gcount()));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &length);
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    char pair[3];
    std::snprintf(pair, sizeof(pair), "%02x", digest[i]);
    hex += pair;
  }
  return hex;
}

void download_files(const std::string& address, const std::vector<RemoteFile>& files,
                    const std::string& folder,
                    const std::function<void(const std::string&)>& report) {
  std::error_code status;
  fs::create_directories(folder, status);
  if (status) {
    throw Error(ErrorCode::data, "cannot create " + folder + ": " + status.message());
  }
  for (const RemoteFile& remote : files) {
    const fs::path target = fs::path(folder) / remote.name;
    if (fs::exists(target)) {
      continue;
    }
    if (report) {
      report("downloading " + address + remote.name);
    }
    fetch_verified(address + remote.name, remote, target);
  }
}

}  // namespace accrete::data
