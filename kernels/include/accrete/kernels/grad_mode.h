// SPDX-License-Identifier: Apache-2.0
// How a backward kernel writes a gradient that several readers of a tensor contribute to.
#pragma once

#include <cstdint>

namespace accrete {

/// The engine chooses: the first contribution overwrites, later ones accumulate. Kernels obey.
enum class GradMode : std::uint8_t { overwrite, accumulate };

}  // namespace accrete
