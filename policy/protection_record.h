// SPDX-License-Identifier: Apache-2.0
//
// A ProtectionRecord remembers which SAs protect one socket's packets: outbound
// those of the bundle that was chosen last, inbound those whose transforms were
// removed from the datagram that was admitted last. getpeercert() and
// IP_IPSEC_STATUS read it.
//
// What is told stays true when the SA has gone: it is a copy.
//
// Thread safety: Thread-safe.
// Cost: three loads a packet while the SAs stay the same; a lock and a copy
// when they change. Memory is taken with the first packet that has an SA.

#ifndef POSTERN_POLICY_PROTECTION_RECORD_H_
#define POSTERN_POLICY_PROTECTION_RECORD_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/identity.h"
#include "core/mutex.h"
#include "policy/level.h"
#include "sadb/security_association.h"

namespace postern {

// What is worth knowing about an SA.
struct SaSummary {
  Spi spi{};
  std::string algorithms;
  unsigned key_bits = 0;
  std::optional<Identity> peer;
};

class ProtectionRecord {
 public:
  using Associations = std::span<SecurityAssociation* const>;

  // The SAs of a packet, at most one for each category.
  void Note(Direction direction, Associations associations);

  // Nothing: no SA of this category protected the last packet.
  std::optional<SaSummary> Find(Direction direction, Category category) const;

 private:
  using Summaries = std::array<std::optional<SaSummary>, kCategories.size()>;
  // SecurityAssociation::generation_id(); 0: none.
  using Ids = std::array<std::atomic<std::uint64_t>, kCategories.size()>;

  struct Side {
    Ids ids{};
    std::unique_ptr<Summaries> summaries;  // guarded by mutex_
  };

  void Change(Side& side, Category category, const SecurityAssociation* to);

  Side& side(Direction direction) {
    return direction == Direction::kOutbound ? outbound_ : inbound_;
  }

  mutable Mutex mutex_;
  Side outbound_;
  Side inbound_;
};

}  // namespace postern

#endif  // POSTERN_POLICY_PROTECTION_RECORD_H_
