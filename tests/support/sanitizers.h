// SPDX-License-Identifier: Apache-2.0
// Under which sanitizers a test runs: some things cannot be tried with them.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define ACCRETE_TEST_ADDRESS_SANITIZER 1
#elif defined(__SANITIZE_THREAD__)
#define ACCRETE_TEST_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ACCRETE_TEST_ADDRESS_SANITIZER 1
#elif __has_feature(thread_sanitizer)
#define ACCRETE_TEST_THREAD_SANITIZER 1
#endif
#endif

namespace accrete::test {

#if defined(ACCRETE_TEST_THREAD_SANITIZER)
constexpr bool kHasThreadSanitizer = true;
#else
constexpr bool kHasThreadSanitizer = false;
#endif

/// Whether there is shadow memory: then limits on the address space cannot be tried.
#if defined(ACCRETE_TEST_ADDRESS_SANITIZER)
constexpr bool kHasShadowMemory = true;
#else
constexpr bool kHasShadowMemory = kHasThreadSanitizer;
#endif

}  // namespace accrete::test
