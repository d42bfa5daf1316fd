// SPDX-License-Identifier: Apache-2.0
// The "model" object of a spec, both ways.
#pragma once

#include <nlohmann/json.hpp>

#include "accrete/models/model.h"
#include "json_reader.h"

namespace accrete::models {

void read_model(JsonReader reader, ModelSpec& model);

/// Every key of the model's family, those that it has from a preset too.
nlohmann::ordered_json model_json(const ModelSpec& model);

}  // namespace accrete::models
