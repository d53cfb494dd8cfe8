// SPDX-License-Identifier: Apache-2.0
//
// The flow table is one worker's memory of what it found out about 5-tuples:
// who owns them, which levels bind them, which bundle protects them. It is a
// cache: losing an entry costs a question to the kernel and never lowers
// protection. Its size is fixed when it is made.
//
// Where packets name the socket that sent them, each sender has a flow of its
// own: sockets that share a port (SO_REUSEPORT) share 5-tuples as well.
//
// A Flow also keeps the generations it was resolved at; whoever uses it
// compares them packet by packet (policy/flow_resolver.h).
//
// Thread safety: Worker-confined.
// Cost: Find() reads one cache line of tags and, as a rule, one entry; no
// allocation after the constructor.

#ifndef POSTERN_POLICY_FLOW_TABLE_H_
#define POSTERN_POLICY_FLOW_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/clock.h"
#include "core/drop_reason.h"
#include "core/flow/socket_owner.h"
#include "core/flow/traffic.h"
#include "policy/bundle.h"
#include "policy/level.h"
#include "policy/openings.h"
#include "policy/socket_table.h"

namespace postern {

struct Flow {
  FlowKey key;
  Aspect aspect;          // of the packet that it was judged for
  SocketCookie sender{};  // whom its packets name; 0: nobody

  // Who owns it, and when the kernel said so.
  std::optional<SocketCookie> cookie;  // empty: nobody, or unasked
  SocketPolicyRef policy;              // null: no levels of its own
  SocketPolicyRef listener;            // whose levels Inherit() copies
  WishesRef wishes;                    // null: none
  Instant asked;

  // The socket whose SAs protect it at UNIQUE: its owner, or the one that the
  // owner shares with, or that it had before it was closed.
  std::optional<SocketCookie> session;

  // The levels that bind it, and what they were computed from.
  LevelSet effective;
  std::optional<DropReason> discard;
  bool by_cgroup = false;   // the owner's cgroup has a say in them
  bool unrecorded = false;  // ... and the socket table has no room to note it
  std::optional<IpAddress> gateway;
  std::optional<IpAddress> gateway_source;
  std::uint32_t seen_levels = 0;   // SocketPolicy::packed()
  std::uint32_t seen_wishes = 0;   // WishCell::version()
  std::uint64_t seen_routes = 0;   // SystemPolicy::generation()
  std::uint64_t seen_sockets = 0;  // SocketTable::generation()

  // The bundle, and the SADB generation it was built from; 0: none yet.
  Bundle bundle;
  CategorySet missing;  // demanded, but there is no SA
  std::uint64_t seen_sadb = 0;

  std::uint64_t last_use = 0;  // the table's own tick

  Openings::Mark opened;  // of its ports, when the owner was asked for

  // More about the owner, for when it is judged.
  CgroupId cgroup = kNoCgroup;  // where the kernel told
  Owner::Role role = Owner::Role::kEndpoint;
  bool listens = false;  // it is a listener, and no child is bound yet
  bool unasked = false;  // it did not matter who owns it
};

class FlowTable {
 public:
  static constexpr std::size_t kWays = 8;

  // Room for at least `flows` flows. REQUIRES: flows > 0.
  explicit FlowTable(std::size_t flows);

  // Null when the flow is not remembered.
  Flow* Find(const FlowKey& key, SocketCookie sender = {});

  // A fresh entry for `key` and `sender`, in place of an old one or of the
  // least recently used of its set.
  Flow& Insert(const FlowKey& key, SocketCookie sender = {});

  void Erase(const FlowKey& key, SocketCookie sender = {});

  std::size_t capacity() const { return slots_.size(); }

 private:
  // Where a key's flow is, or may be: `tag` is never 0, the tag of free slots.
  struct Place {
    std::size_t set;
    std::uint32_t tag;
  };

  using Tags = std::array<std::uint32_t, kWays>;

  Place PlaceOf(const FlowKey& key, SocketCookie sender) const;
  Flow* FindAt(const Place& place, const FlowKey& key, SocketCookie sender);
  Flow& Claim(const Place& place);

  Flow& slot(std::size_t set, std::size_t way) {
    return slots_[set * kWays + way];
  }

  std::vector<Flow> slots_;
  std::vector<Tags> tags_;  // one entry a set
  std::uint64_t tick_ = 0;
};

}  // namespace postern

#endif  // POSTERN_POLICY_FLOW_TABLE_H_
