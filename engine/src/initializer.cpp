// SPDX-License-Identifier: Apache-2.0
// Starting values of parameters. For a weight [K,R,S,C]: fan_in = R*S*C, fan_out = R*S*K.
#include <cmath>

#include "accrete/engine/parameter_store.h"
#include "accrete/kernels/random.h"

namespace accrete {
namespace {

// FNV-1a, 64 bits (Fowler, Noll & Vo; IETF draft-eastlake-fnv): a stable name of a random stream.
std::uint64_t text_hash(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return hash;
}

void fill_uniform(const StoredTensor& tensor, const RandomKey& key, double bound) {
  float* values = tensor.view.f32();
  for (std::int64_t i = 0; i < tensor.shape.elements(); ++i) {
    const auto words = philox(key, static_cast<std::uint64_t>(i / 4));
    const double u = uniform_from_bits(words[static_cast<std::size_t>(i % 4)]);
    values[i] = static_cast<float>((2.0 * u - 1.0) * bound);
  }
}

// Box-Muller in double; 1 - u avoids log(0).
void fill_normal(const StoredTensor& tensor, const RandomKey& key, double deviation) {
  constexpr double kTwoPi = 6.283185307179586;
  float* values = tensor.view.f32();
  for (std::int64_t i = 0; i < tensor.shape.elements(); ++i) {
    const auto words = philox(key, static_cast<std::uint64_t>(i / 2));
    const auto pair = static_cast<std::size_t>(2 * (i % 2));
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform_from_bits(words[pair])));
    const double angle = kTwoPi * uniform_from_bits(words[pair + 1]);
    values[i] = static_cast<float>(deviation * radius * std::cos(angle));
  }
}

}  // namespace

void initialize_tensor(const StoredTensor& tensor, std::uint64_t seed) {
  const Shape& shape = tensor.shape;
  const auto fan_in = static_cast<double>(shape.h * shape.w * shape.c);
  const auto fan_out = static_cast<double>(shape.h * shape.w * shape.n);
  const RandomKey key{seed, text_hash(tensor.name)};
  switch (tensor.initializer) {
    case Initializer::zeros:
    case Initializer::ones: {
      const float value = tensor.initializer == Initializer::ones ? 1.0F : 0.0F;
      for (std::int64_t i = 0; i < shape.elements(); ++i) {
        tensor.view.f32()[i] = value;
      }
      return;
    }
    case Initializer::xavier_uniform:
      fill_uniform(tensor, key, std::sqrt(6.0 / (fan_in + fan_out)));
      return;
    case Initializer::kaiming_fan_out:
      fill_normal(tensor, key, std::sqrt(2.0 / fan_out));
      return;
    case Initializer::linear_fan_in:
      fill_uniform(tensor, key, 1.0 / std::sqrt(fan_in));
      return;
  }
}

}  // namespace accrete
