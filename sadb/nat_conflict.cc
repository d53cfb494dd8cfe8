// SPDX-License-Identifier: Apache-2.0

#include "sadb/nat_conflict.h"

#include <string>

namespace postern {
namespace {

bool IsOfOnePeer(const SaParameters& a, const SaParameters& b) {
  return a.peer_identity && a.peer_identity == b.peer_identity;
}

bool Conflicts(const SecurityAssociation& old, const SaParameters& added) {
  const SaParameters& sa = old.parameters();
  return sa.direction == Direction::kOutbound && old.nat() != nullptr &&
         old.usable() && sa.destination == added.destination &&
         sa.source == added.source && sa.found_as() == added.found_as() &&
         sa.owner == added.owner &&
         old.nat()->ports().destination != added.encapsulation->destination &&
         !IsOfOnePeer(sa, added) && sa.selector.Overlaps(added.selector);
}

}  // namespace

Status CheckNatConflict(Sadb& sadb, const SaParameters& added) {
  if (added.direction != Direction::kOutbound || !added.encapsulation) {
    return Ok();
  }
  const SecurityAssociation* other = nullptr;
  sadb.Dump([&](const SecurityAssociation& sa) {
    if (Conflicts(sa, added)) {
      other = &sa;
    }
  });
  if (other == nullptr) {
    return Ok();
  }
  return Error{
      ErrorCode::kExists,
      "the SA " + ToString(other->parameters().identity()) +
          " is for some of the same packets, and its peer is at the same "
          "address, port " +
          std::to_string(other->nat()->ports().destination) +
          ": give them selectors that no packet fits both of, or one "
          "peer_identity if it is one peer, or delete that one first."};
}

}  // namespace postern
