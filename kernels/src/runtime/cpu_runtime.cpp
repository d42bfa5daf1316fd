// SPDX-License-Identifier: Apache-2.0
// The device runtime of the CPU: calls run at once, so there is nothing to wait for or to capture.
#include <cstring>
#include <map>

#include "accrete/kernels/available_memory.h"
#include "accrete/kernels/device_runtime.h"
#include "accrete/kernels/error.h"
#include "runtime/guarded_memory.h"

namespace accrete {
namespace {

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
    auto memory = std::make_unique<kernels::cpu::GuardedMemory>(bytes);
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
  std::map<void*, std::unique_ptr<kernels::cpu::GuardedMemory>> memory_;
};

}  // namespace

std::unique_ptr<DeviceRuntime> make_cpu_runtime(ThreadPool& pool) {
  return std::make_unique<CpuRuntime>(pool);
}

}  // namespace accrete
