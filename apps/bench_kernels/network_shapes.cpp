// SPDX-License-Identifier: Apache-2.0
#include "network_shapes.h"

namespace accrete::bench {
namespace {

std::string square(std::int64_t size) {
  return std::to_string(size) + "x" + std::to_string(size);
}

// Feature maps of one size: the channels that batch norms of a block read, and its buffer's width.
struct Stage {
  const char* network;
  std::int64_t size, pitch;
  std::vector<std::int64_t> C;
};

std::vector<ActivationShape> shapes_of(const std::vector<Stage>& stages, const Batches& batches) {
  std::vector<ActivationShape> shapes;
  for (const Stage& stage : stages) {
    for (const std::int64_t C : stage.C) {
      shapes.push_back(
          {std::string(stage.network) + "/" + square(stage.size) + "/" + std::to_string(C),
           {batches.of(stage.network), stage.size, stage.size, C},
           stage.pitch});
    }
  }
  return shapes;
}

struct Pool {
  const char* network;
  PoolKind kind;
  std::int64_t size, C;
};

PoolShape shape_of(const Pool& pool, const Batches& batches) {
  const bool max = pool.kind == PoolKind::max;
  PoolShape shape;
  shape.name = std::string(max ? "max/" : "average/") + pool.network + "/" + square(pool.size) +
               "/" + std::to_string(pool.C);
  PoolProblem& p = shape.problem;
  p.kind = pool.kind;
  p.N = batches.of(pool.network);
  p.H = p.W = pool.size;
  p.C = pool.C;
  p.R = p.S = max ? 3 : 2;
  p.stride_h = p.stride_w = 2;
  p.pad_h = p.pad_w = max ? 1 : 0;
  return shape;
}

}  // namespace

std::vector<ActivationShape> activation_shapes(const Batches& batches) {
  return shapes_of({{"d2l96", 48, 64, {64}},
                    {"d2l96", 24, 192, {64, 192}},
                    {"d2l96", 12, 224, {96, 224}},
                    {"d2l96", 6, 240, {112, 240}},
                    {"d2l96", 3, 248, {120, 248}},
                    {"dn121", 112, 64, {64}},
                    {"dn121", 56, 256, {64, 128, 256}},
                    {"dn121", 28, 512, {128, 512}},
                    {"dn121", 14, 1024, {256, 1024}},
                    {"dn121", 7, 1024, {512, 1024}}},
                   batches);
}

std::vector<PoolShape> pool_shapes(const Batches& batches) {
  std::vector<PoolShape> shapes;
  for (const Pool& pool : {Pool{"d2l96", PoolKind::max, 48, 64},
                           {"d2l96", PoolKind::average, 24, 96},
                           {"d2l96", PoolKind::average, 12, 112},
                           {"d2l96", PoolKind::average, 6, 120},
                           {"dn121", PoolKind::max, 112, 64},
                           {"dn121", PoolKind::average, 56, 128},
                           {"dn121", PoolKind::average, 28, 256},
                           {"dn121", PoolKind::average, 14, 512}}) {
    shapes.push_back(shape_of(pool, batches));
  }
  return shapes;
}

std::vector<ActivationShape> global_pool_shapes(const Batches& batches) {
  return shapes_of({{"d2l96", 3, 248, {248}}, {"dn121", 7, 1024, {1024}}}, batches);
}

std::vector<LinearShape> linear_shapes(const Batches& batches) {
  return {{"d2l96/248-10", batches.d2l96, 248, 10}, {"dn121/1024-1000", batches.dn121, 1024, 1000}};
}

std::vector<ImageShape> image_shapes(const Batches& batches) {
  return {{"d2l96/28x28-96x96", batches.d2l96, 1, 28, 96, 96},
          {"dn121/256x256-224x224", batches.dn121, 3, 256, 256, 224}};
}

}  // namespace accrete::bench
