// SPDX-License-Identifier: Apache-2.0
//
// A UdpSocket is the bound socket of a udp wire with every option that the wire
// wants of it:
//
//     IP_MTU_DISCOVER = PROBE   What is sealed is never fragmented (DF is set),
//                               and the size that may leave is the interface's.
//                               DO would take the size that ICMP errors tell,
//                               which anybody can forge (RFC 4301 8.2); and as
//                               the kernel compares a train's segments with
//                               that same size, trains would stop with it.
//     UDP_GRO                   trains come in as one message
//     IP_RECVTOS                with the outer header's DSCP and ECN
//     SO_SNDBUF, SO_RCVBUF      room for bursts
//     no IP_RECVERR, never      ICMP errors reach nobody: a forged one changes
//     connected                 nothing
//
// The IPv6 twins of these for an IPv6 socket, which is never dual-stack.
//
// Thread safety: Immutable; one thread may send and another receive.

#ifndef POSTERN_WIRE_UDP_SOCKET_H_
#define POSTERN_WIRE_UDP_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/error.h"
#include "core/unique_fd.h"
#include "wire/udp_endpoint.h"

namespace postern {

class UdpSocket {
 public:
  // Whether the kernel cuts trains up itself (UDP_SEGMENT), as far as can be
  // known before one was sent.
  enum class Segmentation : std::uint8_t { kByKernel, kNone };

  // In the calling thread's network namespace. A kernel that grants less than
  // `buffer_octets` of room a direction is told of in the log, once.
  // Errors: kUnavailable (the address is no interface's), kExists (another
  // socket has the port), kForbidden (a port below 1024), kSystem.
  static Result<UdpSocket> Open(const UdpEndpoint& at,
                                std::size_t buffer_octets);

  // Another socket at the endpoint of `first`, for another thread: from now on
  // the kernel gives all datagrams of one source to one of them, and any of them
  // sends from there. Only sockets of this user may join (SO_REUSEPORT), and
  // `first` was bound alone: a program that had the port before is not joined.
  // Errors: as Open().
  static Result<UdpSocket> OpenBeside(const UdpSocket& first,
                                      std::size_t buffer_octets);

  int descriptor() const { return fd_.get(); }

  // The port is the kernel's choice if 0 was asked for.
  const UdpEndpoint& at() const { return at_; }

  Segmentation segmentation() const { return segmentation_; }

 private:
  enum class Sharing : int { kNone = 0, kPort = 1 };

  static Result<UdpSocket> Make(const UdpEndpoint& at,
                                std::size_t buffer_octets, Sharing sharing);

  UdpSocket(UniqueFd fd, const UdpEndpoint& at, Segmentation segmentation)
      : fd_(std::move(fd)), at_(at), segmentation_(segmentation) {}

  UniqueFd fd_;
  UdpEndpoint at_;
  Segmentation segmentation_;
};

}  // namespace postern

#endif  // POSTERN_WIRE_UDP_SOCKET_H_
