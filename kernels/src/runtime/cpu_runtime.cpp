// SPDX-License-Identifier: Apache-2.0
// The device runtime of the CPU: calls run at once, so there is nothing to wait for or to capture.
#include <sys/mman.h>
#include <unistd.h>
#include <cstring>
#include <map>
#include <new>
#include <string>

#include "accrete/kernels/available_memory.h"
#include "accrete/kernels/device_runtime.h"
#include "accrete/kernels/error.h"

namespace accrete {
namespace {

// Zeroed memory that ends at a guard page.
class GuardedMemory {
 public:
  /// Error(out_of_memory) with the size and the cure if the system refuses.
  explicit GuardedMemory(std::int64_t bytes);
  ~GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
  void* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
};

[[noreturn]] void refuse(std::int64_t bytes) {
  throw Error(ErrorCode::out_of_memory, "[memory] the system refused " +
                                            std::to_string(bytes >> 20) +
                                            " MiB of memory; use a smaller batch size");
}

GuardedMemory::GuardedMemory(std::int64_t bytes) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20U;
  constexpr std::int64_t kAddressSpace = std::int64_t{1} << 62;  // roundings below cannot wrap
  if (bytes < 0 || bytes > kAddressSpace) {
    refuse(bytes);
  }
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t payload = (static_cast<std::size_t>(bytes) + page - 1) / page * page;
  mapping_bytes_ = payload + kHugePage + page;
  void* mapping = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) {
    refuse(bytes);
  }
  mapping_ = mapping;
  const auto start = reinterpret_cast<std::uintptr_t>(mapping);
  data_ = reinterpret_cast<std::byte*>((start + kHugePage - 1) / kHugePage * kHugePage);
  // Advice only: where it is refused the run is slower, not wrong.
  madvise(data_, payload, MADV_HUGEPAGE);
  if (mprotect(data_ + payload, page, PROT_NONE) != 0) {
    munmap(mapping_, mapping_bytes_);
    throw Error(ErrorCode::out_of_memory, "[memory] cannot protect the guard page");
  }
}

GuardedMemory::~GuardedMemory() {
  munmap(mapping_, mapping_bytes_);
}

class CpuRuntime final : public DeviceRuntime {
 public:
  explicit CpuRuntime(ThreadPool& pool) : pool_(pool) {}

  Stream stream() const override { return Stream::cpu(pool_); }
  std::string description() const override {
    return "CPU, " + std::to_string(pool_.size()) + " threads";
  }
  std::int64_t free_bytes() const override { return available_memory_bytes(); }
  bool shares_host_memory() const override { return true; }

  void* allocate(std::int64_t bytes) override {
    auto memory = std::make_unique<GuardedMemory>(bytes);
    void* data = memory->data();
    memory_.emplace(data, std::move(memory));
    return data;
  }
  void release(void* memory) noexcept override { memory_.erase(memory); }

  void upload(void* device, const void* host, std::int64_t bytes) override {
    std::memcpy(device, host, static_cast<std::size_t>(bytes));
  }
  void download(void* host, const void* device, std::int64_t bytes) override {
    std::memcpy(host, device, static_cast<std::size_t>(bytes));
  }
  void synchronize() override {}

  bool can_capture() const override { return false; }
  std::unique_ptr<CapturedCalls> capture(const std::function<void()>& /*calls*/) override {
    throw Error(ErrorCode::unsupported, "[runtime] the CPU cannot capture kernel calls");
  }

 private:
  ThreadPool& pool_;
  std::map<void*, std::unique_ptr<GuardedMemory>> memory_;
};

}  // namespace

std::unique_ptr<DeviceRuntime> make_cpu_runtime(ThreadPool& pool) {
  return std::make_unique<CpuRuntime>(pool);
}

// Copies beside computation on devices that run calls at once: there is no beside.

std::unique_ptr<Fence> DeviceRuntime::fence() {
  return nullptr;
}

std::unique_ptr<Fence> DeviceRuntime::upload_beside(void* device, const void* host,
                                                    std::int64_t bytes, const Fence* /*after*/) {
  upload(device, host, bytes);
  return nullptr;
}

void DeviceRuntime::order_after(const Fence* /*fence*/) {}

void* DeviceRuntime::allocate_host(std::int64_t bytes) {
  return ::operator new(static_cast<std::size_t>(bytes));
}

void DeviceRuntime::release_host(void* memory) noexcept {
  ::operator delete(memory);
}

}  // namespace accrete
