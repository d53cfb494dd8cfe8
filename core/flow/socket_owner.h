// SPDX-License-Identifier: Apache-2.0
//
// SocketOwner answers one question: which socket of the host owns this flow?
// The kernel is the authority (tun/sock_diag.h); tests have a twin
// (tests/support). A client's word is never asked.
//
// An outbound packet may bring the answer itself (Packet::sender(),
// tun/socket_stamp.h): then nobody needs to be asked.
//
// Thread safety: Worker-confined; each worker has its own.

#ifndef POSTERN_CORE_FLOW_SOCKET_OWNER_H_
#define POSTERN_CORE_FLOW_SOCKET_OWNER_H_

#include <cstdint>
#include <optional>

#include "core/flow/cgroup.h"
#include "core/flow/flow_key.h"

namespace postern {

// The kernel's SO_COOKIE: 64 bits, never reused while the kernel runs, the
// same for every descriptor of one socket.
enum class SocketCookie : std::uint64_t {};

struct Owner {
  enum class Kind : std::uint8_t {
    kSocket,   // `cookie` owns the flow
    kNobody,   // no socket does: kernel resets, ICMP, closed ports
    kUnknown,  // the kernel could not be asked, or answered with an error
  };
  // What the socket is doing; a listener's SYN makes the flow inherit. A raw
  // socket may be one of the kernel's own, from which it sends resets and
  // echo replies: it owns no connection.
  enum class Role : std::uint8_t { kEndpoint, kListener, kRaw };

  Kind kind = Kind::kUnknown;
  SocketCookie cookie{};
  Role role = Role::kEndpoint;
  bool half_open = false;  // a request socket
  // kNoCgroup where the kernel tells none: of sockets in TIME_WAIT, and of
  // request sockets, whose listener has it.
  CgroupId cgroup{};

  friend bool operator==(const Owner&, const Owner&) = default;
};

class SocketOwner {
 public:
  virtual ~SocketOwner() = default;

  // The owner of `key` at this moment.
  // Cost: one netlink round trip (about 3 us) in the real one.
  virtual Owner Find(const FlowKey& key) = 0;
};

}  // namespace postern

#endif  // POSTERN_CORE_FLOW_SOCKET_OWNER_H_
