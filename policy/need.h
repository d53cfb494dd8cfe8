// SPDX-License-Identifier: Apache-2.0
//
// A Need is the security association that a flow asks for in one category: its
// ends, whose alone it must be (UNIQUE), and what it must be like. Either the
// SADB has one that fits, or key management is asked for it (policy/acquires.h).
//
// Thread safety: a plain value.

#ifndef POSTERN_POLICY_NEED_H_
#define POSTERN_POLICY_NEED_H_

#include <optional>

#include "core/flow/socket_owner.h"
#include "core/flow/traffic.h"
#include "policy/level.h"
#include "policy/socket_wishes.h"
#include "sadb/sadb.h"

namespace postern {

struct Need {
  Category category = Category::kEspTransport;
  // Of the SA: the flow's own ends, or the gateway's.
  IpAddress source;
  IpAddress destination;
  // UNIQUE: the socket whose alone the SA must be.
  std::optional<SocketCookie> owner;
  WishesRef wishes;  // null: none
  // The packet's: a hint for selectors, and what Find() matches them with.
  FlowKey flow;
  Aspect aspect{};
  // The socket whose packet asks; absent: the kernel itself.
  std::optional<SocketCookie> asker;
  // Whether a stranger may have caused it: an answer of a listener or of the
  // kernel. Such needs cannot be allowed to crowd out our own (draft 1.2.2, level
  // USE).
  enum class Cause : std::uint8_t { kOwn, kStranger } cause = Cause::kOwn;

  Traffic traffic() const { return {flow, aspect}; }

  Sadb::OutboundKey Key() const {
    return {ProtocolOf(category), ModeOf(category), source, destination, owner};
  }
};

// Whether an SA that answers one of them may answer the other: one ACQUIRE is
// enough for both (PFK-49).
bool IsSame(const Need& a, const Need& b);

// The newest usable SA that fits; null when there is none.
SecurityAssociation* FindFor(const Sadb& sadb, const Need& need);

}  // namespace postern

#endif  // POSTERN_POLICY_NEED_H_
