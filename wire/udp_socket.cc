// SPDX-License-Identifier: Apache-2.0

#include "wire/udp_socket.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "wire/socket_buffers.h"

namespace postern {
namespace {

struct Option {
  int level;
  int name;
  int value;
  const char* what;
};

constexpr Option kSharedPort = {SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"};

bool Set(int fd, const Option& option) {
  return ::setsockopt(fd, option.level, option.name, &option.value,
                      sizeof(option.value)) == 0;
}

Status SetAll(int fd, std::initializer_list<Option> options) {
  for (const Option& option : options) {
    if (!Set(fd, option)) {
      return SystemError(
          "setting " + std::string(option.what) + " of a udp wire's socket",
          errno);
    }
  }
  return Ok();
}

Status SetFamilyOptions(int fd, IpFamily family) {
  if (family == IpFamily::kV4) {
    return SetAll(fd, {{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE,
                        "IP_MTU_DISCOVER"},
                       {IPPROTO_IP, IP_RECVTOS, 1, "IP_RECVTOS"}});
  }
  return SetAll(fd,
                {{IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY"},
                 {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE,
                  "IPV6_MTU_DISCOVER"},
                 // Else a datagram that is too long would be fragmented here.
                 {IPPROTO_IPV6, IPV6_DONTFRAG, 1, "IPV6_DONTFRAG"},
                 {IPPROTO_IPV6, IPV6_RECVTCLASS, 1, "IPV6_RECVTCLASS"}});
}

UdpSocket::Segmentation FindSegmentation(int fd) {
  // A kernel that does not know the option would send a train as one datagram.
  int octets = 0;
  socklen_t size = sizeof(octets);
  return ::getsockopt(fd, SOL_UDP, UDP_SEGMENT, &octets, &size) == 0
             ? UdpSocket::Segmentation::kByKernel
             : UdpSocket::Segmentation::kNone;
}

Error CannotBind(const UdpEndpoint& at, int errno_value) {
  const std::string text = at.ToString();
  switch (errno_value) {
    case EADDRNOTAVAIL:
      return {ErrorCode::kUnavailable,
              "No interface has the address of " + text +
                  " on which the wire should listen; add it (ip address add), "
                  "or write one of this machine's addresses."};
    case EADDRINUSE:
      return {ErrorCode::kExists,
              "Another socket listens on " + text +
                  " already; end its program (an IKE daemon?), or choose "
                  "another port on both sides."};
    case EACCES:
    case EPERM:
      return {ErrorCode::kForbidden,
              "Listening on " + text +
                  " was refused; choose a port above 1023, or run this as "
                  "root."};
    default:
      return SystemError("listening on " + text, errno_value);
  }
}

Result<UdpEndpoint> EndpointOfSocket(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  void* opaque = &storage;
  if (::getsockname(fd, static_cast<sockaddr*>(opaque), &size) != 0) {
    return SystemError("asking for the port of a udp wire's socket", errno);
  }
  return EndpointOf(storage);
}

}  // namespace

Result<UdpSocket> UdpSocket::Open(const UdpEndpoint& at,
                                  std::size_t buffer_octets) {
  return Make(at, buffer_octets, Sharing::kNone);
}

Result<UdpSocket> UdpSocket::OpenBeside(const UdpSocket& first,
                                        std::size_t buffer_octets) {
  if (Status shared = SetAll(first.descriptor(), {kSharedPort}); !shared.ok()) {
    return shared.error();
  }
  return Make(first.at(), buffer_octets, Sharing::kPort);
}

Result<UdpSocket> UdpSocket::Make(const UdpEndpoint& at,
                                  std::size_t buffer_octets, Sharing sharing) {
  const SocketAddress address(at);
  UniqueFd fd(::socket(address.get()->sa_family,
                       SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return SystemError("making the socket of a udp wire", errno);
  }
  if (Status set = SetFamilyOptions(fd.get(), at.address.family()); !set.ok()) {
    return set.error();
  }
  // Kernels before Linux 5.0 do without.
  static_cast<void>(Set(fd.get(), {SOL_UDP, UDP_GRO, 1, "UDP_GRO"}));
  EnlargeBuffers(fd.get(), buffer_octets);
  if (sharing == Sharing::kPort) {
    if (Status shared = SetAll(fd.get(), {kSharedPort}); !shared.ok()) {
      return shared.error();
    }
  }
  if (::bind(fd.get(), address.get(), address.size()) != 0) {
    return CannotBind(at, errno);
  }
  const Result<UdpEndpoint> bound = EndpointOfSocket(fd.get());
  if (!bound.ok()) {
    return bound.error();
  }
  const Segmentation segmentation = FindSegmentation(fd.get());
  return UdpSocket(std::move(fd), *bound, segmentation);
}

}  // namespace postern
