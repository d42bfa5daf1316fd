// SPDX-License-Identifier: Apache-2.0
// What a checkpoint says of itself in the metadata of its safetensors file: whose it is, where the
// run stood, and checksums. Every error is Error(weights) that names `path` and the reason.
#pragma once

#include <map>
#include <string>

#include "accrete/engine/checkpoint.h"
#include "accrete/engine/safetensors.h"

namespace accrete {

using Metadata = std::map<std::string, std::string>;

/// Without checksums.
Metadata metadata_of(const TrainingProgress& progress, const std::string& fingerprint);

/// Adds the checksums to a file that has everything else: CRC32C of every tensor (its name, extents
/// and bytes), in the order of `file.arrays`, and of the other metadata.
void seal(SafetensorsFile& file);

/// Errors if this is no checkpoint or if the metadata are not those that were sealed.
void check_metadata(const std::string& path, const Metadata& metadata);
/// Errors if a tensor is not the one that was sealed. The metadata have been checked.
void check_tensors(const std::string& path, const SafetensorsFile& file);

/// Errors if no run can have come there: negative, more epochs or images than a spec can ask for,
/// sums that are not finite.
TrainingProgress progress_of(const std::string& path, const Metadata& metadata);

/// Errors if the checkpoint is of a run with another fingerprint; the first key that differs is
/// named where both are JSON objects.
void check_fingerprint(const std::string& path, const Metadata& metadata,
                       const std::string& fingerprint);

}  // namespace accrete
