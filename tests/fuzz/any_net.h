// SPDX-License-Identifier: Apache-2.0
// A small net and its training, drawn from the bytes of an input.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>
#include <string>

namespace accrete::fuzz {

/// The text of a spec: a DenseNet or ResNet of up to 200 layers, mostly of few, on synthetic images
/// of up to 24 pixels. What it asks for is mostly possible.
std::string any_net(FuzzedDataProvider& input);

}  // namespace accrete::fuzz
