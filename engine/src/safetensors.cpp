// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "accrete/kernels/error.h"
#include "atomic_file.h"

namespace accrete {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

using Json = nlohmann::json;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit

[[noreturn]] void reject(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::weights, path + " is not a usable safetensors file: " + why);
}

std::string header_text(const SafetensorsFile& file) {
  Json header = Json::object();
  if (!file.metadata.empty()) {
    header["__metadata__"] = file.metadata;
  }
  std::uint64_t offset = 0;
  for (const NamedArray& array : file.arrays) {
    const std::uint64_t end = offset + array.values.size() * sizeof(float);
    header[array.name] = {
        {"dtype", "F32"}, {"shape", array.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // tensors start at a multiple of 8
  return text;
}

std::vector<std::int64_t> read_shape(const std::string& path, const std::string& name,
                                     const Json& entry) {
  std::vector<std::int64_t> shape;
  for (const Json& extent : entry.at("shape")) {
    if (!extent.is_number_unsigned()) {
      reject(path, "the shape of " + name + " is not a list of whole numbers");
    }
    shape.push_back(extent.get<std::int64_t>());
  }
  return shape;
}

// Elements of a shape, or -1 on overflow.
std::int64_t element_count(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0 ||
        (extent > 0 && count > std::numeric_limits<std::int64_t>::max() / 8 / extent)) {
      return -1;
    }
    count *= extent;
  }
  return count;
}

struct Entry {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  NamedArray array;
};

Entry read_entry(const std::string& path, const std::string& name, const Json& json) {
  if (json.at("dtype") != "F32") {
    reject(path, name + " has dtype " + json.at("dtype").dump() + ", only F32 is supported");
  }
  Entry entry;
  entry.array.name = name;
  entry.array.shape = read_shape(path, name, json);
  entry.begin = json.at("data_offsets").at(0).get<std::uint64_t>();
  entry.end = json.at("data_offsets").at(1).get<std::uint64_t>();
  const std::int64_t count = element_count(entry.array.shape);
  if (entry.end < entry.begin || count < 0 ||
      entry.end - entry.begin != static_cast<std::uint64_t>(count) * sizeof(float)) {
    reject(path, "the bytes of " + name + " do not match its shape");
  }
  return entry;
}

// Entries by offset, proved to cover the data section without gap or overlap.
std::vector<Entry> read_entries(const std::string& path, const Json& header,
                                std::uint64_t data_bytes) {
  std::vector<Entry> entries;
  for (const auto& [name, json] : header.items()) {
    if (name != "__metadata__") {
      entries.push_back(read_entry(path, name, json));
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t expected = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != expected) {
      reject(path, "gap or overlap before " + entry.array.name);
    }
    expected = entry.end;
  }
  if (expected != data_bytes) {
    reject(path, "holds " + std::to_string(data_bytes) + " bytes of data, the header describes " +
                     std::to_string(expected) + "; the file is truncated or damaged");
  }
  return entries;
}

Json parse_header(const std::string& path, const std::string& text) {
  std::vector<std::string> keys;
  const auto find_duplicates = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1) {
      const auto key = parsed.get<std::string>();
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) {
        reject(path, "the header names " + key + " twice");
      }
      keys.push_back(key);
    }
    return true;
  };
  Json header = Json::parse(text, find_duplicates, false);
  if (!header.is_object()) {
    reject(path, "the header is not a JSON object");
  }
  return header;
}

}  // namespace

void write_safetensors(const std::string& path, const SafetensorsFile& file) {
  const std::string header = header_text(file);
  const std::uint64_t header_bytes = header.size();
  // nlohmann::json orders keys by name, readers order tensors by offset: both are consistent
  // because offsets are stored explicitly.
  AtomicFile out(path);
  out.write(&header_bytes, sizeof(header_bytes));
  out.write(header.data(), header.size());
  for (const NamedArray& array : file.arrays) {
    out.write(array.values.data(), array.values.size() * sizeof(float));
  }
  out.commit();
}

SafetensorsFile read_safetensors(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::error_code status;
  const std::uint64_t file_bytes = std::filesystem::file_size(path, status);
  if (!in || status) {
    throw Error(ErrorCode::io, "cannot read " + path + "; check that it exists and is readable");
  }
  std::uint64_t header_bytes = 0;
  in.read(reinterpret_cast<char*>(&header_bytes), sizeof(header_bytes));
  if (!in || header_bytes > kMaxHeaderBytes || header_bytes + 8 > file_bytes) {
    reject(path, "its header length is impossible; the file is truncated or of another kind");
  }
  std::string text(header_bytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(header_bytes));
  SafetensorsFile file;
  try {
    const Json header = parse_header(path, text);
    if (header.contains("__metadata__")) {
      file.metadata = header.at("__metadata__").get<std::map<std::string, std::string>>();
    }
    for (Entry& entry : read_entries(path, header, file_bytes - 8 - header_bytes)) {
      entry.array.values.resize((entry.end - entry.begin) / sizeof(float));
      in.read(reinterpret_cast<char*>(entry.array.values.data()),
              static_cast<std::streamsize>(entry.end - entry.begin));
      file.arrays.push_back(std::move(entry.array));
    }
  } catch (const Json::exception& error) {
    reject(path, std::string("malformed header: ") + error.what());
  }
  if (!in) {
    reject(path, "reading the tensors failed");
  }
  return file;
}

}  // namespace accrete
