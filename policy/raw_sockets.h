// SPDX-License-Identifier: Apache-2.0
//
// RawSockets knows the raw and ping sockets that have levels. The kernel hands
// an inbound packet to one TCP or UDP socket, but gives every raw socket of its
// protocol a copy: such a packet must satisfy all of them.
//
//     a raw socket    every packet of its family and protocol, but no ICMP error
//     a ping socket   every echo reply of its family
//
// ICMP errors are left out on purpose: they are news about another packet (path
// MTU, unreachable), which its own socket waits for, and a raw socket that
// listens must not cut it off from them. A program that reads errors from a raw
// socket takes hints, not facts (RFC 5927). Addresses and echo identifiers do
// not narrow what a socket demands: it can change them at any moment, and the
// daemon would learn of it too late.
//
// Outbound, a packet names its sender; only where the kernel stamps none,
// Outbound() says what to demand then.
//
// Thread safety: Thread-safe (a lock, not taken while there is no such socket).
// Cost: one load; with such sockets O(those of the protocol).

#ifndef POSTERN_POLICY_RAW_SOCKETS_H_
#define POSTERN_POLICY_RAW_SOCKETS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/flow/socket_owner.h"
#include "core/mutex.h"
#include "core/net/ip_view.h"
#include "policy/level.h"
#include "policy/socket_table.h"

namespace postern {

class RawSockets {
 public:
  enum class Kind : std::uint8_t { kRaw, kPing };

  // More are not to be added: each costs every packet of its protocol.
  static constexpr std::size_t kMost = 4096;

  struct Socket {
    SocketCookie cookie{};
    Kind kind = Kind::kRaw;
    IpFamily family = IpFamily::kV4;
    std::uint8_t protocol = 0;
    SocketPolicyRef policy;
  };

  // No effect when the cookie is known.
  void Add(const Socket& socket);

  bool Has(SocketCookie cookie) const;

  // What all sockets that may get a copy of this packet demand together.
  LevelSet Inbound(const IpView& packet) const;

  // What the sockets demand together that may have sent a packet of this family
  // and protocol.
  LevelSet Outbound(IpFamily family, std::uint8_t protocol) const;

  // Removes all but those of `open`, which is in ascending order; returns whom
  // it removed.
  std::vector<SocketCookie> Retain(const std::vector<SocketCookie>& open);

  std::size_t size() const { return size_.load(std::memory_order_acquire); }

 private:
  template <typename Concerns>
  LevelSet Demand(std::size_t place, Concerns&& concerns) const;

  mutable Mutex mutex_;
  // By family and protocol.
  std::unordered_map<std::size_t, std::vector<Socket>> sockets_
      POSTERN_GUARDED_BY(mutex_);
  std::atomic<std::size_t> size_{0};
};

}  // namespace postern

#endif  // POSTERN_POLICY_RAW_SOCKETS_H_
