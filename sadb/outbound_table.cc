// SPDX-License-Identifier: Apache-2.0

#include "sadb/outbound_table.h"

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "core/keyed_hash.h"
#include "core/rcu.h"

namespace postern {
namespace {

struct GroupKey {
  Sadb::OutboundKey key;
  std::optional<FlowKey> flow;  // absent: any

  friend bool operator==(const GroupKey&, const GroupKey&) = default;
};

GroupKey KeyOf(const SaParameters& parameters) {
  return {{parameters.protocol, parameters.found_as(), parameters.source,
           parameters.destination, parameters.owner},
          parameters.selector.OnlyFlow()};
}

void WriteAddress(Writer& out, const IpAddress& address) {
  out.Write(static_cast<std::uint8_t>(address.family()));
  out.Put(address.octets());
}

std::uint64_t HashOf(const GroupKey& wanted) {
  constexpr std::size_t kAddress = 1 + 16;
  constexpr std::size_t kMost = 2 + 8 + 2 * kAddress + 2 * kAddress + 5;
  std::array<std::uint8_t, kMost> octets{};
  Writer out(octets);
  out.Write(static_cast<std::uint8_t>(wanted.key.protocol));
  out.Write(static_cast<std::uint8_t>(wanted.key.mode));
  WriteAddress(out, wanted.key.source);
  WriteAddress(out, wanted.key.destination);
  out.Write(
      static_cast<std::uint64_t>(wanted.key.owner.value_or(SocketCookie{})));
  if (wanted.flow.has_value()) {
    WriteAddress(out, wanted.flow->local);
    WriteAddress(out, wanted.flow->remote);
    out.Write(wanted.flow->local_port);
    out.Write(wanted.flow->remote_port);
    out.Write(wanted.flow->protocol);
  }
  return KeyedHash(out.written());
}

}  // namespace

struct OutboundGroup : RcuHashNode {
  bool Has(const GroupKey& wanted) const { return key == wanted; }

  GroupKey key;
  std::atomic<OutboundLink*> newest{nullptr};
};

void OutboundTable::Add(OutboundLink& link) {
  const GroupKey key = KeyOf(link.association_.parameters());
  const std::uint64_t hash = HashOf(key);
  OutboundGroup* group = groups_.Find(hash, key);
  if (group == nullptr) {
    auto made = std::make_unique<OutboundGroup>();
    made->key = key;
    group = made.release();  // Remove() of its last link gives it back
    groups_.Add(hash, *group);
    (key.flow.has_value() ? for_one_flow_ : for_any_flow_).fetch_add(1);
  }
  link.group_ = group;
  OutboundLink* const second = group->newest.load(std::memory_order_relaxed);
  link.older_.store(second, std::memory_order_relaxed);
  if (second != nullptr) {
    second->newer_ = &link;
  }
  group->newest.store(&link, std::memory_order_release);
}

void OutboundTable::Remove(OutboundLink& link) {
  // The link keeps its way on: a reader that stands on it goes on from there.
  OutboundLink* const older = link.older_.load(std::memory_order_relaxed);
  OutboundGroup* const group = link.group_;
  std::atomic<OutboundLink*>& before =
      link.newer_ == nullptr ? group->newest : link.newer_->older_;
  before.store(older, std::memory_order_release);
  if (older != nullptr) {
    older->newer_ = link.newer_;
  }
  if (group->newest.load(std::memory_order_relaxed) != nullptr) {
    return;
  }
  (group->key.flow.has_value() ? for_one_flow_ : for_any_flow_).fetch_sub(1);
  groups_.Remove(*group);
  RcuDefer([group] { const std::unique_ptr<OutboundGroup> owned(group); });
}

SecurityAssociation* OutboundTable::NewestIn(const OutboundGroup* group,
                                             const Traffic& traffic,
                                             const SaFilter* filter) {
  if (group == nullptr) {
    return nullptr;
  }
  for (const OutboundLink* link = group->newest.load(std::memory_order_acquire);
       link != nullptr; link = link->older_.load(std::memory_order_acquire)) {
    SecurityAssociation& association = link->association_;
    if (association.usable() &&
        association.parameters().selector.Matches(traffic,
                                                  Direction::kOutbound) &&
        (filter == nullptr || filter->Accepts(association.parameters()))) {
      return &association;
    }
  }
  return nullptr;
}

SecurityAssociation* OutboundTable::Find(const Sadb::OutboundKey& key,
                                         const Traffic& traffic,
                                         const SaFilter* filter) const {
  const auto look = [&](const std::atomic<std::size_t>& groups,
                        const GroupKey& wanted) -> SecurityAssociation* {
    return groups.load(std::memory_order_relaxed) == 0
               ? nullptr
               : NewestIn(groups_.Find(HashOf(wanted), wanted), traffic,
                          filter);
  };
  SecurityAssociation* const general = look(for_any_flow_, {key, std::nullopt});
  SecurityAssociation* const special = look(for_one_flow_, {key, traffic.key});
  if (general == nullptr || special == nullptr) {
    return general == nullptr ? special : general;
  }
  return general->generation_id() > special->generation_id() ? general
                                                             : special;
}

}  // namespace postern
