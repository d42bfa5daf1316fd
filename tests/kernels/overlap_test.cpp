// SPDX-License-Identifier: Apache-2.0
// What a call writes may not overlap what it reads, unless its header says so. Builds with NDEBUG
// do not ask; there these tests only see that calls in order go through.
#include <deque>

#include "accrete/kernels/kernels.h"
#include "kernels/every_run.h"
#include "kernels/overlap_calls.h"

using namespace accrete;
using namespace accrete::test;

namespace {

using Catch::Matchers::Contains;

#ifdef NDEBUG
constexpr bool kChecked = false;
#else
constexpr bool kChecked = true;
#endif

constexpr std::int64_t kC = kOverlapChannels;
constexpr std::int64_t kPitch = 3 * kC;

// Of zeros, since the calls compute with what is in it.
class ZeroMemory {
 public:
  ZeroMemory() { memory_.write(std::vector<unsigned char>(kBytes)); }
  unsigned char* address() const { return memory_.address(); }

 private:
  static constexpr std::size_t kBytes = std::size_t{1} << 16;
  TestMemory memory_{kBytes};
};

// Views of one buffer that begin so many elements behind its start.
class Slab {
 public:
  TensorView view(const Shape& shape, bool packed, std::int64_t offset) {
    return {memory_.address() + 4 * offset, shape, packed ? shape.c : kPitch, DType::f32,
            test_device()};
  }

 private:
  ZeroMemory memory_;
};

std::string outcome(const OverlapCall& call, const TensorView& out, const TensorView& in) {
  try {
    call.run(test_stream(0), out, in);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool names_an_overlap(const std::string& message, const std::string& op) {
  return message.rfind("[" + op + "] ", 0) == 0 &&
         message.find(" is written and overlaps ") != std::string::npos;
}

void check_call(const OverlapCall& call) {
  Slab slab;
  INFO(call.op);
  const TensorView out = slab.view(call.out, call.out_packed, 0);
  const auto in_at = [&](std::int64_t offset) {
    return slab.view(call.in, call.in_packed, offset);
  };
  const bool slices = !call.out_packed && !call.in_packed;
  CHECK(outcome(call, out, in_at(slices ? kC : 4096)) == "");
  CHECK(outcome(call, slab.view(call.out, call.out_packed, 4096), in_at(0)) == "");
  if (kChecked) {
    CHECK(names_an_overlap(outcome(call, out, in_at(4)), call.op));
    if (call.in_place) {
      CHECK(outcome(call, out, in_at(0)) == "");
    } else {
      CHECK(names_an_overlap(outcome(call, out, in_at(0)), call.op));
    }
  }
}

// Whether a copy from one view of a buffer to another is refused, both [pixels, 1, 1, channels].
bool refused(std::int64_t pixels, std::int64_t out_at, std::int64_t out_c, std::int64_t out_pitch,
             std::int64_t in_at, std::int64_t in_pitch) {
  static const ZeroMemory memory;
  const Shape shape{pixels, 1, 1, out_c};
  const TensorView out(memory.address() + 4 * out_at, shape, out_pitch, DType::f32, test_device());
  const ConstTensorView in(memory.address() + 4 * in_at, shape, in_pitch, DType::f32,
                           test_device());
  try {
    kernels::run(test_stream(0), kernels::Copy{in, out});
  } catch (const Error&) {
    return true;
  }
  return false;
}

// The same by looking at every element.
bool share_an_element(std::int64_t pixels, std::int64_t out_at, std::int64_t c,
                      std::int64_t out_pitch, std::int64_t in_at, std::int64_t in_pitch) {
  for (std::int64_t i = 0; i < pixels; ++i) {
    for (std::int64_t j = 0; j < pixels; ++j) {
      const std::int64_t distance = (in_at + j * in_pitch) - (out_at + i * out_pitch);
      if (distance > -c && distance < c) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

TEST_CASE("calls refuse overlaps, but for those that work in place") {
  for (const OverlapCall& call : overlap_calls()) {
    check_call(call);
  }
}

TEST_CASE("two written tensors may not overlap either") {
  GuardedTensor x({2, 4, 4, kC});
  GuardedTensor y({2, 4, 4, kC});
  std::deque<GuardedTensor> v;
  for (int i = 0; i < 6; ++i) {
    v.emplace_back(channel_vector(kC));
  }
  const auto training = [&](std::size_t inv_std) {
    run_call(test_stream(0), kernels::BatchNormTraining{{},
                                                        x.view(),
                                                        v[0].view(),
                                                        v[1].view(),
                                                        v[2].view(),
                                                        v[3].view(),
                                                        v[4].view(),
                                                        v[inv_std].view(),
                                                        y.view()});
  };
  CHECK_NOTHROW(training(5));
  if (kChecked) {
    CHECK_THAT(error_of([&] { training(4); }),
               Contains("mean ([1,1,1,8], pitch 8) is written and overlaps inv_std"));
  }
}

TEST_CASE("the arrays of a parameter may not overlap") {
  std::vector<float> values(40);
  kernels::SgdParameter parameter;
  parameter.value = values.data();
  parameter.gradient = values.data() + 16;
  parameter.count = 16;
  const auto step = [&] { kernels::run(test_stream(0), kernels::SgdStep{{}, &parameter, 1}); };
  if (test_device().kind == DeviceKind::cpu) {
    CHECK_NOTHROW(step());
  }
  parameter.gradient = values.data() + 15;
  if (kChecked) {
    CHECK_THAT(error_of(step), Contains("[sgd_step] value") && Contains("overlaps gradient"));
  }
}

TEST_CASE("the question for overlaps is exact") {
  if (!kChecked) {
    WARN("this build does not ask for overlaps");
    return;
  }
  std::int64_t overlaps = 0;
  std::int64_t cases = 0;
  for (const std::int64_t pixels : {1, 2, 5}) {
    for (const std::int64_t c : {1, 2, 3}) {
      for (const std::int64_t out_pitch : {3, 5, 7}) {
        for (const std::int64_t in_pitch : {3, 5, 7}) {
          for (std::int64_t in_at = 0; in_at < 80; ++in_at) {
            const bool expected = share_an_element(pixels, 40, c, out_pitch, in_at, in_pitch);
            INFO(pixels << " pixels of " << c << ", pitch " << out_pitch << " at 40, pitch "
                        << in_pitch << " at " << in_at);
            REQUIRE(refused(pixels, 40, c, out_pitch, in_at, in_pitch) == expected);
            overlaps += expected ? 1 : 0;
            ++cases;
          }
        }
      }
    }
  }
  CHECK(overlaps > cases / 10);
  CHECK(overlaps < cases / 2);
}
