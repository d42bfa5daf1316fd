// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

#include "accrete/engine/atomic_file.h"
#include "accrete/engine/json_text.h"
#include "accrete/kernels/checked_size.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/regular_file.h"

namespace accrete {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

using Json = nlohmann::json;

[[noreturn]] void reject(const std::string& source, const std::string& why) {
  throw Error(ErrorCode::weights, source + " is not a usable safetensors file: " + why);
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

// Each entry of the header: a tensor and where its bytes lie in the data section.
struct Entry {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool skipped = false;
  NamedArray array;
};

class HeaderReader {
 public:
  HeaderReader(const std::string& source, const std::string& text) : source_(source) {
    if (const auto fault = find_json_fault(text)) {
      reject(source_, "its header is refused: " + fault->message);
    }
    header_ = Json::parse(text);
    if (!header_.is_object()) {
      reject(source_, "the header is not a JSON object");
    }
  }

  std::map<std::string, std::string> metadata() const {
    std::map<std::string, std::string> metadata;
    const auto found = header_.find(kMetadata);
    if (found == header_.end()) {
      return metadata;
    }
    for (const auto& [key, value] : found->items()) {
      if (!found->is_object() || !value.is_string()) {
        reject(source_, "malformed header: __metadata__ is not an object of strings");
      }
      metadata[key] = value.get<std::string>();
    }
    return metadata;
  }

  // By offset, proved to cover `data_bytes` without gap or overlap.
  std::vector<Entry> entries(std::int64_t data_bytes) const {
    std::vector<Entry> entries;
    for (const auto& [name, json] : header_.items()) {
      if (name != kMetadata) {
        entries.push_back(entry(name, json));
      }
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    });
    std::int64_t expected = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != expected) {
        reject(source_, "gap or overlap before " + excerpt(entry.array.name));
      }
      expected = entry.end;
    }
    if (expected != data_bytes) {
      reject(source_, "holds " + std::to_string(data_bytes) +
                          " bytes of data, the header describes " + std::to_string(expected) +
                          "; the file is truncated or damaged");
    }
    return entries;
  }

 private:
  static constexpr const char* kMetadata = "__metadata__";

  Entry entry(const std::string& name, const Json& json) const {
    const std::string shown = excerpt(name);
    for (const char* key : {"dtype", "shape", "data_offsets"}) {
      if (!json.is_object() || !json.contains(key)) {
        reject(source_, "malformed header: " + shown + " has no " + key);
      }
    }
    const std::vector<std::int64_t> offsets = sizes(json.at("data_offsets"), "offsets", shown);
    Entry entry{0, 0, false, {name, sizes(json.at("shape"), "shape", shown), {}}};
    entry.skipped = is_batch_counter(entry.array, json.at("dtype"));
    if (!entry.skipped && json.at("dtype") != "F32") {
      reject(source_, shown + " has dtype " + excerpt(json.at("dtype").dump()) +
                          ", only F32 is supported; save the weights as 32-bit floats");
    }
    CheckedSize bytes = entry.skipped ? sizeof(std::int64_t) : sizeof(float);
    for (const std::int64_t extent : entry.array.shape) {
      bytes *= extent;
    }
    if (offsets.size() != 2 || offsets[1] < offsets[0] ||
        bytes.value_or(-1) != offsets[1] - offsets[0]) {
      reject(source_, "the bytes of " + shown + " do not match its shape");
    }
    entry.begin = offsets[0];
    entry.end = offsets[1];
    return entry;
  }

  std::vector<std::int64_t> sizes(const Json& list, const char* what,
                                  const std::string& tensor) const {
    std::vector<std::int64_t> numbers;
    bool fits = list.is_array();
    for (const Json& element : fits ? list : Json::array()) {
      fits = fits && element.is_number_unsigned() &&
             CheckedSize::of_unsigned(element.get<std::uint64_t>()).valid();
      numbers.push_back(fits ? element.get<std::int64_t>() : 0);
    }
    if (!fits) {
      reject(source_, std::string("malformed header: the ") + what + " of " + tensor +
                          " are not a list of whole numbers");
    }
    return numbers;
  }

  // PyTorch's batch norms count their batches in a tensor of their own, which decides nothing.
  static bool is_batch_counter(const NamedArray& array, const Json& dtype) {
    static const std::string kSuffix = ".num_batches_tracked";
    const std::string& name = array.name;
    return dtype == "I64" && name.size() > kSuffix.size() &&
           name.compare(name.size() - kSuffix.size(), kSuffix.size(), kSuffix) == 0 &&
           (array.shape.empty() || array.shape == std::vector<std::int64_t>{1});
  }

  const std::string& source_;
  Json header_;
};

// `next` copies that many bytes, which are there, from where the last call ended.
using NextBytes = std::function<void(void* to, std::size_t bytes)>;

struct Header {
  std::map<std::string, std::string> metadata;
  std::vector<Entry> entries;  // which cover the rest of the file
};

Header read_header(const std::string& source, std::size_t file_bytes, const NextBytes& next) {
  std::uint64_t header_bytes = 0;
  const std::size_t rest = file_bytes - std::min(file_bytes, sizeof(header_bytes));
  if (rest > 0) {
    next(&header_bytes, sizeof(header_bytes));
  }
  if (header_bytes == 0 || header_bytes > std::min(rest, JsonLimits{}.bytes)) {
    reject(source, "its header length is impossible; the file is truncated or of another kind");
  }
  std::string text(header_bytes, '\0');
  next(text.data(), text.size());
  const HeaderReader header(source, text);
  return {header.metadata(), header.entries(static_cast<std::int64_t>(rest - text.size()))};
}

SafetensorsFile read_from(const std::string& source, std::size_t file_bytes,
                          const NextBytes& next) {
  Header header = read_header(source, file_bytes, next);
  SafetensorsFile file{std::move(header.metadata), {}};
  for (Entry& entry : header.entries) {
    const auto bytes = static_cast<std::size_t>(entry.end - entry.begin);
    entry.array.values.resize((bytes + sizeof(float) - 1) / sizeof(float));
    next(entry.array.values.data(), bytes);
    if (!entry.skipped) {
      file.arrays.push_back(std::move(entry.array));
    }
  }
  return file;
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
  RegularFile file(path);
  return read_from(path, file.bytes(), [&](void* to, std::size_t bytes) { file.read(to, bytes); });
}

std::map<std::string, std::string> read_safetensors_metadata(const std::string& path) {
  RegularFile file(path);
  const auto next = [&](void* to, std::size_t bytes) { file.read(to, bytes); };
  return read_header(path, file.bytes(), next).metadata;
}

SafetensorsFile parse_safetensors(std::string_view bytes, const std::string& source) {
  std::size_t at = 0;
  return read_from(source, bytes.size(), [&](void* to, std::size_t count) {
    bytes.copy(static_cast<char*>(to), count, at);
    at += count;
  });
}

}  // namespace accrete
