// SPDX-License-Identifier: Apache-2.0
// Where in the source a code address is.
#pragma once

#include <string>

namespace simt::race {

/// "file.cuh:12 < file.cu:34" for a return address: the line of the call before it, and the lines
/// that the function at hand was inlined into; "file.cu:?" for code that stands for several lines.
/// Needs addr2line; without it, the address in the program's file.
std::string source_lines(const void* return_address);

}  // namespace simt::race
