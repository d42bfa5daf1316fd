// SPDX-License-Identifier: Apache-2.0
// Formats: proc(5) and the kernel's admin-guide, "Control Group v2" and "Memory Resource
// Controller".
#include "runtime/available_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

#include "accrete/kernels/available_memory.h"
#include "accrete/kernels/checked_size.h"

namespace accrete::kernels::cpu {
namespace {

constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc() && end != text.data() && value >= 0 ? std::optional(value)
                                                                   : std::nullopt;
}

// The number a file consists of; "max" and absent files are none.
std::optional<std::int64_t> number_in(const std::string& path) {
  std::string text;
  std::ifstream(path) >> text;
  return number(text);
}

// The number behind `key` in a file of lines "key number".
std::optional<std::int64_t> number_of(const std::string& path, const std::string& key) {
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string name;
    std::string value;
    if (words >> name >> value && name == key) {
      return number(value);
    }
  }
  return std::nullopt;
}

struct GroupFiles {
  const char* limit;
  const char* used;
  const char* droppable;  // key in memory.stat
};
constexpr GroupFiles kVersion2 = {"/memory.max", "/memory.current", "inactive_file"};
constexpr GroupFiles kVersion1 = {"/memory.limit_in_bytes", "/memory.usage_in_bytes",
                                  "total_inactive_file"};

std::int64_t headroom(const std::string& folder, const GroupFiles& files) {
  const auto limit = number_in(folder + files.limit);
  const auto used = number_in(folder + files.used);
  if (!limit || !used) {
    return kUnlimited;
  }
  const std::int64_t droppable = number_of(folder + "/memory.stat", files.droppable).value_or(0);
  const std::int64_t held = std::max<std::int64_t>(*used - droppable, 0);
  return std::max<std::int64_t>(*limit - held, 0);
}

// A group and all its ancestors limit what is in it. In a container the named folders may be out of
// sight, then those that are seen count.
std::int64_t headroom_upwards(const std::string& root, std::string group, const GroupFiles& files) {
  std::int64_t least = headroom(root, files);
  while (!group.empty() && group != "/") {
    least = std::min(least, headroom(root + group, files));
    group.erase(group.find_last_of('/'));
  }
  return least;
}

std::int64_t limit_of(int resource) {
  rlimit limit{};
  const bool limited = getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return limited ? CheckedSize::of_unsigned(limit.rlim_cur).value_or(kUnlimited) : kUnlimited;
}

// /proc/self/statm counts pages: total size first, data and stack sixth.
std::int64_t process_headroom(const std::string& proc) {
  std::int64_t total = 0;
  std::int64_t data = 0;
  std::int64_t other = 0;
  std::ifstream(proc + "/self/statm") >> total >> other >> other >> other >> other >> data;
  const std::int64_t page = sysconf(_SC_PAGESIZE);
  const auto left = [page](std::int64_t limit, std::int64_t pages) {
    return limit == kUnlimited ? kUnlimited : std::max<std::int64_t>(limit - pages * page, 0);
  };
  return std::min(left(limit_of(RLIMIT_AS), total), left(limit_of(RLIMIT_DATA), data));
}

}  // namespace

std::int64_t machine_headroom(const MemorySources& sources) {
  const auto kibibytes = number_of(sources.proc + "/meminfo", "MemAvailable:");
  return kibibytes ? (CheckedSize(*kibibytes) * 1024).value_or(kUnlimited) : kUnlimited;
}

std::int64_t cgroup_headroom(const MemorySources& sources) {
  std::int64_t least = kUnlimited;
  std::ifstream in(sources.proc + "/self/cgroup");
  std::string line;  // "<id>:<controllers>:<path>"
  while (std::getline(in, line)) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, headroom_upwards(sources.cgroups, group, kVersion2));
    } else if (("," + controllers + ",").find(",memory,") != std::string::npos) {
      least = std::min(least, headroom_upwards(sources.cgroups + "/memory", group, kVersion1));
    }
  }
  return least;
}

}  // namespace accrete::kernels::cpu

namespace accrete {

std::int64_t available_memory_bytes() {
  const kernels::cpu::MemorySources sources;
  return std::min({kernels::cpu::machine_headroom(sources), kernels::cpu::cgroup_headroom(sources),
                   kernels::cpu::process_headroom(sources.proc)});
}

}  // namespace accrete
