// SPDX-License-Identifier: Apache-2.0

#include "policy/flow_table.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace postern {

FlowTable::FlowTable(std::size_t flows) {
  if (flows == 0) {
    std::abort();
  }
  const std::size_t sets = std::bit_ceil((flows + kWays - 1) / kWays);
  slots_.resize(sets * kWays);
  tags_.resize(sets);
}

FlowTable::Place FlowTable::PlaceOf(const FlowKey& key,
                                    SocketCookie sender) const {
  // Cookies count up: the factor (2^64 / golden ratio) spreads neighbours.
  constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;
  const std::uint64_t hash =
      FlowKeyHash()(key) ^ (static_cast<std::uint64_t>(sender) * kSpread);
  const auto tag = static_cast<std::uint32_t>(hash >> 32) | 1U;
  return {hash & (tags_.size() - 1), tag};
}

Flow* FlowTable::FindAt(const Place& place, const FlowKey& key,
                        SocketCookie sender) {
  const Tags& tags = tags_[place.set];
  for (std::size_t way = 0; way < kWays; ++way) {
    Flow& flow = slot(place.set, way);
    if (tags[way] == place.tag && flow.sender == sender && flow.key == key) {
      return &flow;
    }
  }
  return nullptr;
}

Flow* FlowTable::Find(const FlowKey& key, SocketCookie sender) {
  Flow* const flow = FindAt(PlaceOf(key, sender), key, sender);
  if (flow != nullptr) {
    flow->last_use = ++tick_;
  }
  return flow;
}

// A free slot of the set if there is one, else its least recently used.
Flow& FlowTable::Claim(const Place& place) {
  Tags& tags = tags_[place.set];
  std::size_t oldest = 0;
  for (std::size_t way = 0; way < kWays; ++way) {
    if (tags[way] == 0) {
      oldest = way;
      break;
    }
    if (slot(place.set, way).last_use < slot(place.set, oldest).last_use) {
      oldest = way;
    }
  }
  tags[oldest] = place.tag;
  return slot(place.set, oldest);
}

Flow& FlowTable::Insert(const FlowKey& key, SocketCookie sender) {
  const Place place = PlaceOf(key, sender);
  Flow* flow = FindAt(place, key, sender);
  if (flow == nullptr) {
    flow = &Claim(place);
  }
  *flow = Flow{};
  flow->key = key;
  flow->sender = sender;
  flow->last_use = ++tick_;
  return *flow;
}

void FlowTable::Erase(const FlowKey& key, SocketCookie sender) {
  const Place place = PlaceOf(key, sender);
  const Flow* const flow = FindAt(place, key, sender);
  if (flow == nullptr) {
    return;
  }
  const auto index = static_cast<std::size_t>(flow - slots_.data());
  tags_[place.set][index % kWays] = 0;
  slots_[index] = Flow{};
}

}  // namespace postern
