// SPDX-License-Identifier: Apache-2.0
// 0 if asserts are on, as they are without a build type.
#include <cassert>
#include <cstdio>

int main() {
  bool checked = false;
  assert((checked = true));
  std::puts(checked ? "asserts on" : "asserts off");
  return checked ? 0 : 1;
}
