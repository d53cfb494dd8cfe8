// SPDX-License-Identifier: Apache-2.0
//
// A NetlinkSocket talks to the kernel of one network namespace: the one in
// which it was opened, wherever it is used later.
//
// Only datagrams that the kernel itself sent are handed out; a process that
// writes to our port is not heard.
//
// Thread safety: Worker-confined.
// Cost: Send() and Receive() are one system call each; no allocation.

#ifndef POSTERN_TUN_NETLINK_SOCKET_H_
#define POSTERN_TUN_NETLINK_SOCKET_H_

#include <linux/netlink.h>

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/error.h"
#include "core/expected.h"
#include "core/unique_fd.h"
#include "tun/network_namespace.h"

namespace postern {

class NetlinkSocket {
 public:
  enum class Protocol : int {
    kRoute = NETLINK_ROUTE,
    kSockDiag = NETLINK_SOCK_DIAG,
  };

  // In the namespace of the calling thread.
  // Errors: kSystem, kExhausted.
  static Result<NetlinkSocket> Open(Protocol protocol);

  // In `inside`. Errors: as above, and those of NetworkNamespace::RunInside().
  static Result<NetlinkSocket> OpenInside(Protocol protocol,
                                          const NetworkNamespace& inside);

  // Receive() gives up with EAGAIN after this time; without it, it waits.
  Status SetReceiveTimeout(std::chrono::milliseconds timeout);

  // Receive() never waits.
  Status SetNonBlocking();

  // Subscribes to a multicast group of the protocol; ends that. Thread-safe.
  Status Join(unsigned group);
  void Leave(unsigned group);

  // 0, or the errno of a message that could not be sent.
  int Send(ConstBytes message);

  // The next datagram from the kernel, in `room`; or an errno: EAGAIN when
  // none came in time, ENOBUFS when the kernel had to drop some, EMSGSIZE when
  // `room` is too small for it.
  Expected<ConstBytes, int> Receive(Bytes room);

  std::uint32_t NextSequence() { return ++sequence_; }

  int descriptor() const { return fd_.get(); }

 private:
  friend class NetlinkSocketTestPeer;

  explicit NetlinkSocket(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  std::uint32_t sequence_ = 0;
};

}  // namespace postern

#endif  // POSTERN_TUN_NETLINK_SOCKET_H_
