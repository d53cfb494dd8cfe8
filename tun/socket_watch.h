// SPDX-License-Identifier: Apache-2.0
//
// A SocketWatch tells when sockets of the host are gone (the destroy multicast
// groups of NETLINK_SOCK_DIAG: TCP and UDP, IPv4 and IPv6).
//
//     while (auto event = watch->Next()) { ... }     when descriptor() is
//                                                    readable
//
// For each socket of the host that goes, whoever it is, the kernel makes a message,
// in a work queue: a good part of what a short connection costs. So Rest() while
// nobody would miss them, and Listen() before somebody would.
//
// "Gone" is when the kernel frees the socket, not close(): a TCP connection
// that still sends its FIN is not gone. Its *TIME_WAIT is told as gone although
// it still answers*, under the same cookie: before what is remembered about a
// connection is forgotten, ask SockDiagOwner::TcpConnection().
//
// When the kernel had more to tell than the buffer holds, the event kLost says
// that some were missed: whatever is remembered per socket must be asked again
// (SockDiagOwner), never assumed.
//
// Thread safety: Control-confined; Listen() is Thread-safe, but not beside Rest().
// Cost: Next() is one system call; no allocation. Listen(), Rest(): four, if they
// change something.

#ifndef POSTERN_TUN_SOCKET_WATCH_H_
#define POSTERN_TUN_SOCKET_WATCH_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/error.h"
#include "core/flow/flow_key.h"
#include "core/flow/socket_owner.h"
#include "tun/netlink_message.h"
#include "tun/netlink_socket.h"
#include "tun/network_namespace.h"

namespace postern {

struct SocketEvent {
  enum class Kind : std::uint8_t {
    kGone,  // the socket `cookie`
    kLost,  // some events were missed; the other members mean nothing
  };
  Kind kind = Kind::kLost;
  SocketCookie cookie{};
  // What the kernel still remembers of the ends: a hint. Which addresses and
  // ports are 0 by now depends on how the socket ended.
  FlowKey key;
};

class SocketWatch {
 public:
  // The kernel keeps this many octets of events for us, about 1 KB each.
  static constexpr std::size_t kDefaultBufferOctets = 4U << 20U;

  // It listens. Errors: those of NetworkNamespace::RunInside(); kSystem.
  static Result<std::unique_ptr<SocketWatch>> Create(
      const NetworkNamespace& host,
      std::size_t buffer_octets = kDefaultBufferOctets);

  // From when it returns, what goes is told. Errors: kSystem.
  Status Listen();

  // No more, but for what waits already.
  void Rest();

  // The next event; nothing when none waits. Never blocks.
  std::optional<SocketEvent> Next();

  int descriptor() const { return socket_.descriptor(); }

 private:
  explicit SocketWatch(NetlinkSocket socket);

  void LeaveAll();
  std::optional<SocketEvent> NextWaiting();
  static std::optional<SocketEvent> Understand(const NetlinkMessage& message);

  NetlinkSocket socket_;
  std::atomic<bool> listens_{false};
  alignas(8) std::array<std::uint8_t, 8192> room_{};
  NetlinkMessages
      waiting_;  // what Next() has not yet told of the last datagram
};

}  // namespace postern

#endif  // POSTERN_TUN_SOCKET_WATCH_H_
