// SPDX-License-Identifier: Apache-2.0
//
// A SocketPolicy is what one socket asked for. Shared by the socket table and
// by the flows of the socket; outlives its entry in the table as long as a flow
// holds it.
//
// Thread safety: Thread-safe to read (one atomic word); SetLevel() is
// Control-confined.

#ifndef POSTERN_POLICY_SOCKET_POLICY_H_
#define POSTERN_POLICY_SOCKET_POLICY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/flow/cgroup.h"
#include "policy/level.h"
#include "policy/level_census.h"
#include "policy/protection_record.h"
#include "policy/socket_journal.h"
#include "policy/socket_wishes.h"

namespace postern {

class SocketPolicy {
 public:
  using Origin = SocketRecord::Origin;

  // What counts it and where it is written down: nowhere, unless told.
  struct Books {
    std::shared_ptr<LevelCensus> census = nullptr;
    JournalLine line = {};
    Origin origin = Origin::kAsked;
    std::optional<SocketCookie> cookie = std::nullopt;
  };

  explicit SocketPolicy(const LevelSet& levels);
  SocketPolicy(const LevelSet& levels, Books books);
  ~SocketPolicy();
  SocketPolicy(const SocketPolicy&) = delete;
  SocketPolicy& operator=(const SocketPolicy&) = delete;

  LevelSet levels() const { return LevelSet::Unpack(packed()); }

  // Changes whenever a level does: flows compare it packet by packet.
  std::uint32_t packed() const {
    return packed_.load(std::memory_order_acquire);
  }

  // Written down before any packet can see it: whoever is killed in between
  // leaves the old level or the new one.
  void SetLevel(Category category, Level level);

  // kAsked from the first SetLevel() on.
  Origin origin() const { return origin_.load(std::memory_order_acquire); }

  const JournalLine& line() const { return line_; }

  // Whose it is; nothing while an inherited connection has no socket yet.
  std::optional<SocketCookie> cookie() const;

  // The connection has a socket now. Once.
  void BindTo(SocketCookie cookie);

  // What the socket wishes of its SAs, beside the levels.
  const WishCell& wishes() const { return wishes_; }

  // Written down before any packet can see them. Not null.
  // Errors: kExhausted (no room to write); then the old ones hold.
  Status SetWishes(WishesRef wishes);

  // What a journal kept. Errors: kInvalid (it makes no sense).
  Status ResumeWishes(ConstBytes octets);

  // The socket's cgroup, so that what the kernel sends after the socket has gone
  // obeys its cgroup's levels, too. Not written down: kNoCgroup after a restart,
  // until a packet of the socket tells. Thread-safe.
  CgroupId cgroup() const { return cgroup_.load(std::memory_order_acquire); }

  void NoteCgroup(CgroupId cgroup) {
    cgroup_.store(cgroup, std::memory_order_release);
  }

  // Which SAs protect its packets.
  ProtectionRecord& record() { return record_; }

  const ProtectionRecord& record() const { return record_; }

 private:
  std::atomic<std::uint32_t> packed_;
  std::atomic<Origin> origin_;
  std::atomic<CgroupId> cgroup_{kNoCgroup};
  const std::shared_ptr<LevelCensus> census_;  // null: nobody counts
  const JournalLine line_;
  std::atomic<SocketCookie> cookie_;  // 0: none
  WishCell wishes_;
  ProtectionRecord record_;
};

using SocketPolicyRef = std::shared_ptr<SocketPolicy>;

}  // namespace postern

#endif  // POSTERN_POLICY_SOCKET_POLICY_H_
