// SPDX-License-Identifier: Apache-2.0
// A wall clock that starts, with the process, at ACCRETE_FAULT_CLOCK seconds after 1970 began; the
// monotonic clock is as it was. Without that variable both are.
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

namespace {

// Seconds that the wall clock is ahead of the one to show.
std::time_t find_lead() {
  const char* wanted = std::getenv("ACCRETE_FAULT_CLOCK");
  if (wanted == nullptr) {
    return 0;
  }
  timespec now{};
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  return now.tv_sec - std::atol(wanted);
}

int read_clock(clockid_t clock, timespec* now) {
  static const std::time_t lead = find_lead();
  const int status = static_cast<int>(syscall(SYS_clock_gettime, clock, now));
  if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec -= lead;
  }
  return status;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  return read_clock(clock, now);
}

int timespec_get(timespec* now, int base) noexcept {
  return base == TIME_UTC && read_clock(CLOCK_REALTIME, now) == 0 ? base : 0;
}

std::time_t time(std::time_t* result) noexcept {
  timespec now{};
  read_clock(CLOCK_REALTIME, &now);
  if (result != nullptr) {
    *result = now.tv_sec;
  }
  return now.tv_sec;
}

int gettimeofday(timeval* result, void* zone) noexcept {
  timespec now{};
  if (zone != nullptr) {  // obsolete, and not faked
    errno = EINVAL;
    return -1;
  }
  const int status = read_clock(CLOCK_REALTIME, &now);
  result->tv_sec = now.tv_sec;
  result->tv_usec = now.tv_nsec / 1000;
  return status;
}

}  // extern "C"
