// SPDX-License-Identifier: Apache-2.0
// Sessions on a machine with little memory: refused before anything is allocated, with the batches
// that would fit.
#include "accrete/kernels/error.h"
#include "engine/tiny_models.h"
#include "support/catch.h"

namespace accrete::test {
namespace {

using Catch::Matchers::Contains;

// The CPU, as far as a session sees it, with as much memory as a test says.
class SmallMachine final : public DeviceRuntime {
 public:
  SmallMachine(ThreadPool& pool, std::int64_t free) : cpu_(make_cpu_runtime(pool)), free_(free) {}

  Stream stream() const override { return cpu_->stream(); }
  std::string description() const override { return "a small machine"; }
  std::int64_t free_bytes() const override { return free_; }
  bool shares_host_memory() const override { return true; }
  void* allocate(std::int64_t bytes) override {
    ++allocations;
    return cpu_->allocate(bytes);
  }
  void release(void* memory) noexcept override { cpu_->release(memory); }
  void upload(void* device, const void* host, std::int64_t bytes) override {
    cpu_->upload(device, host, bytes);
  }
  void download(void* host, const void* device, std::int64_t bytes) override {
    cpu_->download(host, device, bytes);
  }
  void synchronize() override {}
  bool can_capture() const override { return false; }
  std::unique_ptr<CapturedCalls> capture(const std::function<void()>& calls) override {
    return cpu_->capture(calls);
  }

  int allocations = 0;

 private:
  std::unique_ptr<DeviceRuntime> cpu_;
  std::int64_t free_;
};

ModelBuilder deep_net() {
  TinyDenseNet net;
  net.layers = 6;
  net.bottleneck = true;
  return tiny_densenet(net);
}

SessionOptions options_of(std::int64_t batch, std::int64_t beside = 0) {
  SessionOptions options;
  options.train_batches = options.eval_batches = {batch};
  options.bytes_beside_per_image = beside;
  return options;
}

std::int64_t planned(std::int64_t batch, int level = 0) {
  SessionOptions options = options_of(batch);
  options.recompute = level;
  return plan_session(deep_net(), options).total_bytes();
}

// Starts a session of 24 images on a machine with that much memory; the message, if it was refused.
std::string refusal(std::int64_t memory, std::int64_t beside = 0) {
  ThreadPool pool(1);
  SmallMachine machine(pool, memory);
  const SessionOptions options = options_of(24, beside);
  try {
    const TrainingSession session(plan_session(deep_net(), options), options, machine);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::out_of_memory);
    CHECK(machine.allocations == 0);
    return error.what();
  }
  return "none";
}

// The largest batch by trying them all.
std::int64_t largest_by_trying(std::int64_t bytes, std::int64_t beside) {
  std::int64_t batch = 0;
  while (planned(batch + 1) + 2 * (batch + 1) * beside <= bytes) {
    ++batch;
  }
  return batch;
}

}  // namespace

TEST_CASE("a plan that the machine cannot hold is refused before anything is allocated") {
  CHECK(refusal(planned(24)) == "none");
  const std::string message = refusal(planned(24) - 1);
  CHECK_THAT(message, Contains("a small machine has") && Contains("MiB free") &&
                          Contains("evaluation, is 23 with recompute level 0"));
  CHECK_THAT(refusal(planned(9)), Contains("evaluation, is 9 with recompute level 0"));
  CHECK_THAT(refusal(planned(1) / 2), Contains("not even a batch of 1 fits"));
  CHECK_THAT(refusal(0), Contains("not even a batch of 1 fits"));
}

TEST_CASE("a recompute level that takes a larger batch is named") {
  REQUIRE(planned(24, 1) < planned(24, 0));
  CHECK_THAT(refusal(planned(20, 1)), Contains(", 20 with recompute level 1"));
}

TEST_CASE("batches on their way count") {
  constexpr std::int64_t kBeside = 10'000;
  CHECK(refusal(planned(24) + 48 * kBeside, kBeside) == "none");
  CHECK_THAT(refusal(planned(24) + 48 * kBeside - 1, kBeside),
             Contains("batches on their way") && Contains("evaluation, is 23 "));
  CHECK_THAT(refusal(std::int64_t{1} << 40, std::int64_t{1} << 61), Contains("not even a batch"));
}

TEST_CASE("the largest batch is the one that trying all of them finds") {
  for (const std::int64_t beside : {0, 3'000}) {
    for (const std::int64_t batch : {1, 2, 15, 16, 17, 40, 57}) {
      for (const std::int64_t change : {-1, 0, 1, 5'000}) {
        const std::int64_t bytes = planned(batch) + 2 * batch * beside + change;
        INFO(bytes << " bytes, " << beside << " beside");
        CHECK(largest_batch(deep_net(), options_of(1, beside), bytes) ==
              largest_by_trying(bytes, beside));
      }
    }
  }
}

}  // namespace accrete::test
