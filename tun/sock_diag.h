// SPDX-License-Identifier: Apache-2.0
//
// SockDiagOwner asks the kernel which socket owns a flow (NETLINK_SOCK_DIAG,
// linux/inet_diag.h), inside the host's namespace.
//
//     TCP: SYN_SENT, ESTABLISHED ... TIME_WAIT -> the connection's socket
//          no such connection, but a listener   -> the listener, kListener
//     UDP: connected, bound, auto-bound         -> the socket
//     IPv4 of a dual-stack AF_INET6 socket      -> asked as AF_INET, found
//
// With its cgroup, unless it is a request or TIME_WAIT socket.
//
// What sock_diag cannot know, and what we answer then:
//
//  - Raw and ping sockets, hence ICMP, ESP, AH and every protocol but TCP and
//    UDP: kNobody, so the system level applies. (SCTP, DCCP and UDP-Lite
//    sockets cannot have levels.)
//  - A TCP or UDP key without ports, as a later fragment has: kUnknown.
//  - UDP sockets that share a port (SO_REUSEPORT): one of them.
//  - A UDP socket bound to another address than it sends from (a multicast
//    group, IP_PKTINFO): kNobody.
//
// A refused, late or garbled answer is kUnknown: the caller must not take it
// for kNobody.
//
// Thread safety: Worker-confined; each worker has its own.
// Cost: one round trip, about 3 us; no allocation. Waits at most the patience
// given to Create(), in case the kernel does not answer.

#ifndef POSTERN_TUN_SOCK_DIAG_H_
#define POSTERN_TUN_SOCK_DIAG_H_

#include <array>
#include <chrono>
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

class SockDiagOwner : public SocketOwner {
 public:
  enum class Existence : std::uint8_t { kThere, kGone, kUnknown };

  static constexpr std::chrono::milliseconds kPatience{100};

  // `link_index` is the interface by which the flows come: the TUN's index().
  // Sockets bound to that device are found, those bound to another are not.
  // Errors: those of NetworkNamespace::RunInside(); kSystem.
  static Result<std::unique_ptr<SockDiagOwner>> Create(
      const NetworkNamespace& host, std::uint32_t link_index,
      std::chrono::milliseconds patience = kPatience);

  Owner Find(const FlowKey& key) override;

  // Whether this very TCP connection still has a socket (TIME_WAIT included);
  // a listener that would take a new one does not count. kUnknown for what is
  // not TCP.
  Existence TcpConnection(const FlowKey& key);

 private:
  friend class SockDiagOwnerTestPeer;

  SockDiagOwner(NetlinkSocket socket, std::uint32_t link_index);

  // The answer with this number, among those in one datagram.
  static std::optional<NetlinkMessage> AnswerIn(ConstBytes datagram,
                                                std::uint32_t sequence);
  Owner Await(std::uint32_t sequence);
  static Owner Understand(const NetlinkMessage& message);

  NetlinkSocket socket_;
  std::uint32_t link_index_;
  alignas(8) std::array<std::uint8_t, 8192> room_{};
};

}  // namespace postern

#endif  // POSTERN_TUN_SOCK_DIAG_H_
