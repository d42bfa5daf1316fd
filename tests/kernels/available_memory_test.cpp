// SPDX-License-Identifier: Apache-2.0
// What a machine, its control groups and its limits leave, from made-up files.
#include "runtime/available_memory.h"

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "accrete/kernels/available_memory.h"
#include "support/catch.h"

namespace accrete::kernels::cpu {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

class MadeUpMachine {
 public:
  explicit MadeUpMachine(const std::string& name) : root_("available_memory_files/" + name) {
    fs::remove_all(root_);
  }
  void write(const std::string& path, const std::string& text) const {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  MemorySources sources() const { return {root_ + "/proc", root_ + "/cgroup"}; }

 private:
  std::string root_;
};

}  // namespace

TEST_CASE("the machine's available memory is what the kernel estimates") {
  const MadeUpMachine machine("meminfo");
  CHECK(machine_headroom(machine.sources()) == kUnlimited);
  machine.write("/proc/meminfo", "MemTotal: 99 kB\nMemFree: 1 kB\nMemAvailable:      37 kB\n");
  CHECK(machine_headroom(machine.sources()) == 37 * 1024);
  machine.write("/proc/meminfo", "MemAvailable: 99999999999999999999999 kB\n");
  CHECK(machine_headroom(machine.sources()) == kUnlimited);
}

TEST_CASE("the tightest group of version 2 counts, without what it can drop") {
  const MadeUpMachine machine("v2");
  CHECK(cgroup_headroom(machine.sources()) == kUnlimited);
  machine.write("/proc/self/cgroup", "0::/outer/inner\n");
  CHECK(cgroup_headroom(machine.sources()) == kUnlimited);
  machine.write("/cgroup/outer/memory.max", "1000\n");
  machine.write("/cgroup/outer/memory.current", "900\n");
  machine.write("/cgroup/outer/memory.stat", "anon 1\ninactive_file 300\nactive_file 7\n");
  machine.write("/cgroup/outer/inner/memory.max", "max\n");
  machine.write("/cgroup/outer/inner/memory.current", "900\n");
  CHECK(cgroup_headroom(machine.sources()) == 400);
  machine.write("/cgroup/outer/inner/memory.max", "950\n");
  CHECK(cgroup_headroom(machine.sources()) == 50);
  machine.write("/cgroup/outer/inner/memory.max", "800\n");
  CHECK(cgroup_headroom(machine.sources()) == 0);
}

TEST_CASE("a container sees its own group as the root") {
  const MadeUpMachine machine("namespace");
  machine.write("/proc/self/cgroup", "0::/\n");
  machine.write("/cgroup/memory.max", "5000");
  machine.write("/cgroup/memory.current", "2000");
  CHECK(cgroup_headroom(machine.sources()) == 3000);
  machine.write("/proc/self/cgroup", "0::/../elsewhere\nno colons here\n");
  CHECK(cgroup_headroom(machine.sources()) == 3000);
}

TEST_CASE("groups of version 1 count, too") {
  const MadeUpMachine machine("v1");
  machine.write("/proc/self/cgroup", "4:cpu,memory:/job\n3:freezer:/\n0::/\n");
  machine.write("/cgroup/memory/job/memory.limit_in_bytes", "700");
  machine.write("/cgroup/memory/job/memory.usage_in_bytes", "600");
  machine.write("/cgroup/memory/job/memory.stat", "total_inactive_file 50\n");
  machine.write("/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  machine.write("/cgroup/memory/memory.usage_in_bytes", "650");
  CHECK(cgroup_headroom(machine.sources()) == 150);
}

TEST_CASE("a limit on the address space counts") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  if (before.rlim_cur != RLIM_INFINITY) {
    return;
  }
  CHECK(available_memory_bytes() > 0);
  // Sanitizers map terabytes; the limit is checked where there is room below it, or leaves nothing.
  rlimit tight = before;
  tight.rlim_cur = rlim_t{1} << 46;
  REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
  const std::int64_t left = available_memory_bytes();
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
  CHECK(left < std::int64_t{1} << 46);
}

}  // namespace accrete::kernels::cpu
