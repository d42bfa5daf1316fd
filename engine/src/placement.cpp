// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/placement.h"

#include <algorithm>

#include "accrete/engine/op.h"

namespace accrete {
namespace {

// Rows of a power-of-two length collide in few cache sets; 16 more channels spread them.
std::int64_t padded_pitch(std::int64_t channels) {
  constexpr std::int64_t kCollidingPitch = 256;  // channels: 1 KiB of f32
  constexpr std::int64_t kExtraChannels = 16;
  return channels % kCollidingPitch == 0 ? channels + kExtraChannels : channels;
}

class Placer {
 public:
  Placer(const Graph& graph, const PassSwitches& switches, const Table<ValueId>& twins)
      : graph_(graph),
        twins_(twins),
        share_concat_(switches.enabled("placement")),
        share_in_place_(switches.enabled("in-place")),
        readers_(graph.consumers()) {
    placement_.places = Table<Place>(graph.num_values());
  }

  Placement run() {
    if (share_concat_) {
      for (NodeId id = graph_.num_nodes() - 1; id >= 0; --id) {
        place_concat(graph_.node(id));
      }
    }
    for (ValueId id = 0; id < graph_.num_values(); ++id) {
      if (graph_.value(id).kind != ValueKind::intermediate) {
        open_storage(id);
      }
    }
    for (NodeId id = 0; id < graph_.num_nodes(); ++id) {
      place_outputs(id);
    }
    return std::move(placement_);
  }

 private:
  Place& place(ValueId value) { return placement_.places[value]; }
  bool placed(ValueId value) { return place(value).storage >= 0; }
  Storage& storage(StorageId id) { return placement_.storages[static_cast<std::size_t>(id)]; }

  void assign(ValueId value, StorageId id, std::int64_t channel_offset) {
    place(value) = {id, channel_offset};
    storage(id).values.push_back(value);
  }

  void open_storage(ValueId value) {
    const Value& v = graph_.value(value);
    Storage fresh;
    fresh.pixels = v.type.shape.pixels();
    fresh.channels = v.type.shape.c;
    fresh.pitch = twin_pitch(value);
    fresh.dtype = v.type.dtype;
    fresh.persistent = v.kind != ValueKind::input && v.kind != ValueKind::intermediate;
    placement_.storages.push_back(fresh);
    assign(value, static_cast<StorageId>(placement_.storages.size()) - 1, 0);
  }

  // A gradient lies like the feature buffer it is the gradient of, where that is one storage: who
  // loads both walks them alike.
  std::int64_t twin_pitch(ValueId value) {
    const Value& v = graph_.value(value);
    const ValueId twin = value < twins_.size() ? twins_[value] : kNoValue;
    if (twin == kNoValue || !placed(twin) || v.type.shape.pixels() == 1) {
      return v.type.shape.c;
    }
    const Storage& features = storage(place(twin).storage);
    const bool whole = features.channels == v.type.shape.c && features.dtype == v.type.dtype;
    return whole && !features.persistent ? features.pitch : v.type.shape.c;
  }

  // Inputs of a concat become slices of its output. If they already lie side by side in the right
  // order (another concat of the same parts), the output is a view of them instead.
  void place_concat(const Node& node) {
    const std::vector<AliasRule> rules = node.op->alias_rules(graph_, node);
    if (rules.empty() || rules.front().kind != AliasRule::Kind::holds) {
      return;
    }
    const ValueId output = rules.front().output;
    if (!placed(output) && !view_of_placed_parts(rules)) {
      open_storage(output);
      storage(place(output).storage).pitch = padded_pitch(graph_.value(output).type.shape.c);
    }
    const Place home = place(output);
    for (const AliasRule& rule : rules) {
      if (graph_.value(rule.input).kind == ValueKind::intermediate && !placed(rule.input)) {
        assign(rule.input, home.storage, home.channel_offset + rule.channel_offset);
      }
    }
  }

  bool view_of_placed_parts(const std::vector<AliasRule>& rules) {
    const Place first = place(rules.front().input);
    for (const AliasRule& rule : rules) {
      const Place part = place(rule.input);
      if (part.storage < 0 || part.storage != first.storage ||
          part.channel_offset != first.channel_offset + rule.channel_offset) {
        return false;
      }
    }
    assign(rules.front().output, first.storage, first.channel_offset);
    return true;
  }

  void place_outputs(NodeId id) {
    const Node& node = graph_.node(id);
    for (const AliasRule& rule : node.op->alias_rules(graph_, node)) {
      if (placed(rule.output) || rule.kind == AliasRule::Kind::holds) {
        continue;
      }
      const bool shares = rule.kind == AliasRule::Kind::view
                              ? share_concat_
                              : share_in_place_ && may_overwrite(rule.input, id);
      if (shares) {
        const Place input = place(rule.input);
        assign(rule.output, input.storage, input.channel_offset + rule.channel_offset);
      }
    }
    for (const auto& [slot, output] : node.outputs) {
      if (!placed(output)) {
        open_storage(output);
      }
    }
  }

  bool may_overwrite(ValueId target, NodeId at) {
    const Place home = place(target);
    const std::int64_t end = home.channel_offset + graph_.value(target).type.shape.c;
    for (const ValueId other : storage(home.storage).values) {
      const std::int64_t other_begin = place(other).channel_offset;
      const std::int64_t other_end = other_begin + graph_.value(other).type.shape.c;
      const bool overlaps = other_begin < end && home.channel_offset < other_end;
      // Values written later see the new contents and do not mind.
      const bool older = graph_.value(other).producer < at;
      if (overlaps && older && needed_after(other, at)) {
        return false;
      }
    }
    return true;
  }

  bool needed_after(ValueId value, NodeId at) const {
    if (graph_.value(value).kind != ValueKind::intermediate || graph_.is_output(value)) {
      return true;
    }
    const std::vector<NodeId>& readers = readers_[value];
    return !readers.empty() && readers.back() > at;
  }

  const Graph& graph_;
  const Table<ValueId>& twins_;
  bool share_concat_;
  bool share_in_place_;
  Table<std::vector<NodeId>> readers_;
  Placement placement_;
};

}  // namespace

Placement place_values(const Graph& graph, const PassSwitches& switches,
                       const Table<ValueId>& twins) {
  return Placer(graph, switches, twins).run();
}

}  // namespace accrete
