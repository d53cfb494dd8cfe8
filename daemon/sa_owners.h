// SPDX-License-Identifier: Apache-2.0
//
// SaOwners remembers which SAs are one socket's alone (level UNIQUE), so that
// they go with it.
//
//     SA added for a socket        Note()
//     the kernel: it is gone       Retire()     late packets still need its SAs
//     kLinger later                TakeDue()    now they can be deleted
//
// A cookie is never used again, so nobody takes over a dead socket's SAs however
// long they stay; they only take room.
//
// Doubts. A socket may be gone before its SA is added, and the kernel's notices
// can be lost. So each owner is doubted once after an SA was added for it, and
// again after DoubtAll(): the kernel is asked who has its flow (RollCall), and
// Retire() follows if nobody has. To be wrong harms little: the SA goes, nothing
// leaves in clear, and the next packet asks for another. An owner without a known
// flow (postern sa add --owner), or whose flow is neither TCP nor UDP, is believed:
// its SAs stay until it is told to be gone (RawLevels), or until their lifetimes
// or the daemon end.
//
// Thread safety: Control-confined.
// Cost: O(log n); TakeDue(): what is due.

#ifndef POSTERN_DAEMON_SA_OWNERS_H_
#define POSTERN_DAEMON_SA_OWNERS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/flow/flow_key.h"
#include "core/flow/socket_owner.h"
#include "policy/socket_table.h"
#include "sadb/sa_parameters.h"

namespace postern {

class SaOwners {
 public:
  // How long SAs outlive their socket: as its levels do.
  static constexpr Duration kLinger = SocketTable::kLinger;

  // Called before an owner is noted: whoever tells of sockets that are gone begins
  // to listen.
  void BeforeNote(std::function<void()> prepare) {
    before_note_ = std::move(prepare);
  }

  void Note(SocketCookie owner, const SaIdentity& sa);

  // The SA is gone. One that nobody owns is ignored.
  void Forget(const SaIdentity& sa);
  void ForgetAll();

  // A flow of this owner's, by which the kernel can be asked for it.
  void KnowFlow(SocketCookie owner, const FlowKey& flow);

  // The socket is gone. One that owns nothing is ignored.
  void Retire(SocketCookie owner, Instant now);

  // The SAs of sockets that are gone long enough. They are forgotten.
  std::vector<SaIdentity> TakeDue(Instant now);

  // An owner to ask the kernel for.
  struct Doubt {
    SocketCookie owner{};
    FlowKey flow;
  };

  void DoubtAll();

  // At most so many of the doubted; the others wait.
  std::vector<Doubt> TakeDoubted(std::size_t most);

  std::size_t owners() const { return owners_.size(); }

 private:
  struct Owner {
    std::set<SaIdentity> sas;
    std::optional<FlowKey> flow;
    std::optional<Instant> due;  // when it is gone
  };

  std::function<void()> before_note_;
  std::map<SocketCookie, Owner> owners_;
  std::map<SaIdentity, SocketCookie> owner_of_;
  std::multimap<Instant, SocketCookie> leaving_;
  std::set<SocketCookie> doubted_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_SA_OWNERS_H_
