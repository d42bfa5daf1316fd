// SPDX-License-Identifier: Apache-2.0
// Sharing of memory: dense blocks copy nothing, and no sharing ever changes a number.
#include "accrete/engine/placement.h"

#include <cstring>

#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "engine/tiny_models.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/random_fill.h"

namespace accrete::test {
namespace {

constexpr std::int64_t kBatch = 4;

PassSwitches without(std::initializer_list<const char*> names) {
  PassSwitches switches;
  for (const char* name : names) {
    switches.disable(name);
  }
  return switches;
}

std::vector<float> trained(const ModelBuilder& builder, const PassSwitches& passes,
                           std::int64_t* bytes_copied = nullptr) {
  TinySession tiny(builder, kBatch, passes);
  for (std::int64_t step = 0; step < 3; ++step) {
    tiny.step(0.1, step);
  }
  if (bytes_copied != nullptr) {
    *bytes_copied = tiny.session.bytes_copied();
  }
  return tiny.stored_values();
}

}  // namespace

TEST_CASE("a dense block trains without copying a byte") {
  for (const bool bottleneck : {false, true}) {
    TinyDenseNet net;
    net.bottleneck = bottleneck;
    std::int64_t copied = -1;
    trained(tiny_densenet(net), {}, &copied);
    CHECK(copied == 0);
  }
}

TEST_CASE("without placement the same block copies, and the counter sees every byte") {
  TinyDenseNet net;
  net.layers = 2;
  // Statistics on their own would be concatenated too.
  TinySession tiny(tiny_densenet(net), kBatch, without({"placement", "statistics-once"}));
  tiny.step(0.0, 0);
  // Forward: concats of 7+5 and 12+5 channels. Backward: slices of the same widths.
  const std::int64_t pixels = kBatch * net.size * net.size;
  const std::int64_t concats = pixels * (12 + 17) * 4;
  CHECK(tiny.session.bytes_copied() == 2 * concats);
}

TEST_CASE("placement changes no bit of the result") {
  for (const ConcatStyle style : {ConcatStyle::chain, ConcatStyle::list}) {
    TinyDenseNet net;
    net.style = style;
    net.bottleneck = true;
    const auto shared = trained(tiny_densenet(net), {});
    CHECK(exact_difference(trained(tiny_densenet(net), without({"placement"})), shared).empty());
    CHECK(exact_difference(trained(tiny_densenet(net), without({"in-place"})), shared).empty());
    CHECK(exact_difference(trained(tiny_densenet(net), without({"placement", "in-place"})), shared)
              .empty());
  }
  const auto resnet = trained(build_tiny_resnet, {});
  CHECK(exact_difference(trained(build_tiny_resnet, without({"in-place"})), resnet).empty());
}

TEST_CASE("fusing ReLU into batch norm agrees with the plain graph") {
  const auto fused = trained(tiny_densenet({}), {});
  const auto plain = trained(tiny_densenet({}), without({"fuse-batch-norm-relu"}));
  CHECK(difference(fused, {plain.begin(), plain.end()}, {1e-5, 1e-4}).empty());
}

TEST_CASE("every value of a dense block lies in one feature buffer") {
  for (const ConcatStyle style : {ConcatStyle::chain, ConcatStyle::list}) {
    TinyDenseNet net;
    net.style = style;
    const ModelGraph model = build_tiny_densenet(net, kBatch, false);
    const Placement placement = place_values(model.graph, {});
    StorageId buffer = -1;
    std::int64_t offset = 0;
    for (ValueId id = 0; id < model.graph.num_values(); ++id) {
      const Value& value = model.graph.value(id);
      const Place& place = placement.places[static_cast<std::size_t>(id)];
      const bool is_feature = value.name == "stem" || value.name.find(".conv2") == 6;
      if (!is_feature || value.kind != ValueKind::intermediate) {
        continue;
      }
      buffer = buffer < 0 ? place.storage : buffer;
      INFO(value.name);
      CHECK(place.storage == buffer);
      CHECK(place.channel_offset == offset);
      offset += value.type.shape.c;
    }
    CHECK(offset == 7 + 3 * 5);
    CHECK(placement.storages[static_cast<std::size_t>(buffer)].channels == offset);
  }
}

TEST_CASE("rows of a power-of-two length get a longer pitch") {
  Graph graph;
  const ValueId x = graph.add_input("x", {{1, 2, 2, 128}, DType::f32});
  const ValueId a = ops::relu(graph, "a", x);
  const ValueId b = ops::relu(graph, "b", x);
  graph.mark_output(ops::concat(graph, "ab", {a, b}));
  CHECK(place_values(graph, {}).storage_of(a).pitch == 256 + 16);
}

TEST_CASE("an input, a parameter or an output is never overwritten") {
  Graph graph;
  const ValueId x = graph.add_input("x", {{1, 2, 2, 8}, DType::f32});
  const ValueId y = ops::relu(graph, "y", x);
  graph.mark_output(y);
  const ValueId z = ops::relu(graph, "z", y);
  const Placement placement = place_values(graph, {});
  CHECK(placement.places[static_cast<std::size_t>(y)].storage !=
        placement.places[static_cast<std::size_t>(x)].storage);
  CHECK(placement.places[static_cast<std::size_t>(z)].storage !=
        placement.places[static_cast<std::size_t>(y)].storage);
}

TEST_CASE("a value that is still read is not overwritten") {
  Graph graph;
  const ValueId x = graph.add_input("x", {{1, 2, 2, 8}, DType::f32});
  const ValueId a = ops::relu(graph, "a", x);
  const ValueId b = ops::relu(graph, "b", a);        // a is read again below
  const ValueId sum = ops::add(graph, "sum", a, b);  // last reader of both
  graph.mark_output(sum);
  const Placement placement = place_values(graph, {});
  const auto storage = [&](ValueId id) {
    return placement.places[static_cast<std::size_t>(id)].storage;
  };
  CHECK(storage(b) != storage(a));
  CHECK(storage(sum) == storage(a));
}

TEST_CASE("an overlapping view that is still read protects its buffer") {
  Graph graph;
  const ValueId x = graph.add_input("x", {{1, 2, 2, 8}, DType::f32});
  const ValueId a = ops::relu(graph, "a", x);
  const ValueId left = ops::channel_slice(graph, "left", a, 0, 4);
  const ValueId right = ops::channel_slice(graph, "right", a, 4, 4);
  const ValueId left_relu = ops::relu(graph, "left_relu", left);     // free to overwrite
  const ValueId right_relu = ops::relu(graph, "right_relu", right);  // right is read again
  graph.mark_output(ops::add(graph, "sum", right, ops::add(graph, "s", left_relu, right_relu)));
  const Placement placement = place_values(graph, {});
  const auto place = [&](ValueId id) { return placement.places[static_cast<std::size_t>(id)]; };
  CHECK(place(right).storage == place(a).storage);
  CHECK(place(right).channel_offset == 4);
  CHECK(place(left_relu).storage == place(a).storage);
  CHECK(place(right_relu).storage != place(a).storage);
}

TEST_CASE("switching an unknown pass off names the known ones") {
  PassSwitches switches;
  CHECK_THROWS_WITH(switches.disable("plaecment"), Catch::Matchers::Contains("plaecment") &&
                                                       Catch::Matchers::Contains("placement"));
}

}  // namespace accrete::test
