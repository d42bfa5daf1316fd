// SPDX-License-Identifier: Apache-2.0
// The race detector: silent on ordered accesses, and a report with both places otherwise, whatever
// the order the threads happened to run in.
#include <array>
#include <string>
#include <vector>

#include "accrete/kernels/error.h"
#include "call/backend.h"
#include "simt/executor.h"
#include "simt/race_kernels.h"
#include "support/catch.h"

using namespace accrete;
using namespace accrete::test;
using Catch::Matchers::Contains;

namespace {

std::vector<std::uint32_t>& memory() {
  static std::vector<std::uint32_t> words(384, 1);
  return words;
}

// What the launch complains of; empty when it does not.
std::string report(Pattern pattern) {
  static const kernels::Backend no_ops{};
  memory()[kTicket] = 0;
  try {
    launch_pattern(Stream::cuda(0, nullptr, no_ops), pattern, memory().data());
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::device_failure);
    return error.what();
  }
  return "";
}

struct Race {
  Pattern pattern;
  const char* memory;
  const char* first;  // as the report describes the accesses, in either order
  const char* second;
};

constexpr std::array kOrders = {simt::Order::forward, simt::Order::reverse, simt::Order::random};

}  // namespace

TEST_CASE("ordered accesses are no race") {
  for (const simt::Order order : kOrders) {
    simt::set_schedule({order});
    for (int pattern = 0; pattern < static_cast<int>(Pattern::neighbour); ++pattern) {
      INFO("pattern " << pattern);
      CHECK(report(static_cast<Pattern>(pattern)) == "");
    }
  }
  simt::set_schedule({});
}

TEST_CASE("every race is an error that describes both accesses") {
  const std::vector<Race> races = {
      {Pattern::neighbour, "shared", "write by thread (", "read by thread ("},
      {Pattern::refill, "shared", "write by thread (", "read by thread ("},
      {Pattern::neighbour_by_shuffle, "shared", "write by thread (", "read by thread ("},
      {Pattern::neighbour_outside_mask, "shared", "write by thread (", "read by thread ("},
      {Pattern::neighbour_warp, "shared", "write by thread (", "read by thread ("},
      {Pattern::same_half_of_a_word, "global", "write by thread (", "write by thread ("},
      {Pattern::blocks, "global", "of block (0,0,0)", "of block (1,0,0)"},
      {Pattern::plain_sum, "global", "write by thread (", "by thread ("},
      {Pattern::atomic_and_plain, "global", "write by thread (63,0,0)", "atomic by thread ("},
      {Pattern::copy_no_wait, "shared", "cp.async under way by thread (", "read by thread ("},
      {Pattern::copy_no_barrier, "shared", "by thread (", "read by thread ("},
      {Pattern::copy_wait_late, "shared", "by thread (", "read by thread ("},
      {Pattern::copy_refill, "shared", "by thread (", "read by thread ("},
      {Pattern::copy_source, "global", "write by thread (", "read by thread ("},
      {Pattern::matrix_no_barrier, "shared", "write by thread (", "read by thread ("},
      {Pattern::last_block_no_release, "global", "write by thread (", "read by thread ("},
      {Pattern::last_block_no_acquire, "global", "write by thread (", "read by thread ("},
      {Pattern::last_block_no_barrier, "global", "write by thread (", "read by thread ("},
      {Pattern::first_block, "global", "write by thread (", "read by thread ("},
  };
  REQUIRE(races.size() == static_cast<std::size_t>(Pattern::first_block) -
                              static_cast<std::size_t>(Pattern::neighbour) + 1);
  for (const simt::Order order : kOrders) {
    simt::set_schedule({order});
    for (const Race& race : races) {
      INFO("pattern " << static_cast<int>(race.pattern));
      const std::string text = report(race.pattern);
      CHECK_THAT(text, Contains("[pattern] block (") &&
                           Contains(std::string("race in ") + race.memory + " memory: ") &&
                           Contains(race.first) && Contains(race.second));
      const std::size_t place = text.find("race_kernels.cu:");
      REQUIRE(place != std::string::npos);
      CHECK(text.find("race_kernels.cu:", place + 1) != std::string::npos);
    }
  }
  simt::set_schedule({});
}

TEST_CASE(
    "the last block to draw a ticket sees what both have left, and the ticket is zero again") {
  for (const simt::Order order : {simt::Order::forward, simt::Order::reverse}) {
    simt::set_schedule({order});
    CHECK(report(Pattern::last_block) == "");
    const std::size_t last = order == simt::Order::forward ? 64 : 0;
    for (std::size_t thread = 0; thread < 64; ++thread) {
      REQUIRE(memory()[64 + last + thread] == 2 * thread);
      REQUIRE(memory()[64 + 64 - last + thread] == 0);
    }
    CHECK(memory()[kTicket] == 0);
  }
  simt::set_schedule({});
}

TEST_CASE("the detector goes on after a race and can be switched off") {
  CHECK(report(Pattern::neighbour) != "");
  CHECK(report(Pattern::neighbour_behind_barrier) == "");
  simt::Schedule schedule;
  schedule.find_races = false;
  simt::set_schedule(schedule);
  CHECK(report(Pattern::neighbour) == "");
  simt::set_schedule({});
  CHECK(report(Pattern::neighbour) != "");
}
