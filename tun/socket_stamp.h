// SPDX-License-Identifier: Apache-2.0
//
// A SocketStamp is what our program in the kernel (tun/stamp_program.h) writes
// in front of every packet that leaves by the TUN: which socket sent it.
//
//     0        8            16      20     22         24         32
//     | tag    | SO_COOKIE  | state | type | protocol | cgroup id | IP packet
//     +--------+------------+-------+------+----------+-----------+----------
//              |<--- of the sending socket, all 0 without one --->|
//
// Numbers are in host order, as the kernel wrote them. The tag is a random
// number that nobody else knows, new for each run: a packet without our stamp
// (the program was taken away, another run's is still there) cannot look as if
// it had one. Its first octet is 0xf_, so that no stamp looks like IP, either.
//
// Who sent it, as measured on Linux 6.18:
//
//     UDP, ping, raw socket      its cookie, for every fragment and segment, and
//                                also when it was closed at once
//     TCP connection             its cookie, TIME_WAIT included
//     SYN-ACK                    the future child's cookie; 0 with a syncookie
//     reset, ACK of a listener   the listener's cookie and state
//     reset of a closed port,    the cookie of a raw socket of the kernel's own
//     echo reply, ICMP error
//     forwarded                  0
//
// The cgroup is the socket's, a SYN-ACK's is its listener's; 0 in TIME_WAIT.
// Sockets of the kernel's own are in the cgroup of whoever made the namespace.
//
// Thread safety: Immutable.
// Cost: a few loads.

#ifndef POSTERN_TUN_SOCKET_STAMP_H_
#define POSTERN_TUN_SOCKET_STAMP_H_

#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/drop_reason.h"
#include "core/error.h"
#include "core/flow/socket_owner.h"

namespace postern {

class SocketStamp {
 public:
  static constexpr std::size_t kOctets = 32;

  // With a tag of its own. Errors: kSystem (no random number).
  static Result<SocketStamp> Create();

  // For tests; no two runs may share one.
  static SocketStamp WithTag(std::uint64_t tag) { return SocketStamp(tag); }

  std::uint64_t tag() const { return tag_; }

  // The sender that the first kOctets of `octets` name: kSocket or kNobody.
  // Errors: kNotStamped.
  Opinion<Owner> Read(ConstBytes octets) const;

 private:
  explicit SocketStamp(std::uint64_t tag) : tag_(tag) {}

  std::uint64_t tag_;
};

}  // namespace postern

#endif  // POSTERN_TUN_SOCKET_STAMP_H_
