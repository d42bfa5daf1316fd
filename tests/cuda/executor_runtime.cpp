// SPDX-License-Identifier: Apache-2.0
#include "cuda/test_runtime.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "call/backend.h"
#include "simt/executor.h"

namespace accrete::test {
namespace {

class RecordedCalls final : public CapturedCalls {
 public:
  explicit RecordedCalls(simt::Recorder recorder) : recorder_(std::move(recorder)) {}
  void launch() override { recorder_.replay(); }

 private:
  simt::Recorder recorder_;
};

class ExecutorRuntime final : public DeviceRuntime {
 public:
  explicit ExecutorRuntime(std::int64_t memory_limit) : memory_limit_(memory_limit) {}

  Stream stream() const override {
    return Stream::cuda(0, &recorder_, kernels::cuda::backend())
        .with_tickets({tickets_.data(), kTicketCount});
  }
  std::string description() const override { return "host executor"; }
  std::int64_t free_bytes() const override { return memory_limit_; }
  bool shares_host_memory() const override { return false; }

  void* allocate(std::int64_t bytes) override {
    const auto count = (static_cast<std::size_t>(bytes) + 255) / 256 * 256;
    void* memory = std::aligned_alloc(256, count);
    if (memory == nullptr) {
      throw std::bad_alloc();
    }
    std::memset(memory, 0, count);
    return memory;
  }
  void release(void* memory) noexcept override { std::free(memory); }
  void upload(void* device, const void* host, std::int64_t bytes) override {
    std::memcpy(device, host, static_cast<std::size_t>(bytes));
  }
  void download(void* host, const void* device, std::int64_t bytes) override {
    std::memcpy(host, device, static_cast<std::size_t>(bytes));
  }
  void synchronize() override {}

  bool can_capture() const override { return true; }
  std::unique_ptr<CapturedCalls> capture(const std::function<void()>& calls) override {
    recorder_ = {true, {}};
    try {
      calls();
    } catch (...) {
      recorder_ = {};
      throw;
    }
    recorder_.recording = false;
    return std::make_unique<RecordedCalls>(std::exchange(recorder_, {}));
  }

 private:
  std::int64_t memory_limit_;
  // Streams are handles.
  mutable simt::Recorder recorder_;
  mutable std::vector<std::uint32_t> tickets_ = std::vector<std::uint32_t>(kTicketCount, 0);
};

}  // namespace

std::unique_ptr<DeviceRuntime> make_executor_runtime(std::int64_t memory_limit) {
  return std::make_unique<ExecutorRuntime>(memory_limit);
}

std::unique_ptr<DeviceRuntime> make_test_runtime() {
  return make_executor_runtime();
}

}  // namespace accrete::test
