// SPDX-License-Identifier: Apache-2.0
// Whether a sanitizer keeps shadow memory: then limits on the address space cannot be tried.
#pragma once

namespace accrete::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasShadowMemory = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kHasShadowMemory = true;
#else
constexpr bool kHasShadowMemory = false;
#endif
#else
constexpr bool kHasShadowMemory = false;
#endif

}  // namespace accrete::test
