// SPDX-License-Identifier: Apache-2.0
// Whether the driver would take a launch.
#pragma once

#include <string>

#include "simt/executor.h"

namespace simt {

/// Empty, or the limit that the launch breaks. Shared memory counts with the arrays that the kernel
/// is known to have; those of a first block are counted while it runs.
std::string broken_limit(const Grid& grid);

/// Static and dynamic shared memory that a block of this launch may have.
std::size_t shared_limit(const Grid& grid);

/// A launch of the kernel has declared arrays of so many bytes in a block.
void learn_static_shared(const void* kernel, std::size_t bytes);

}  // namespace simt
