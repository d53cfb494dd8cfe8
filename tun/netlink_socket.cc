// SPDX-License-Identifier: Apache-2.0

#include "tun/netlink_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <cerrno>
#include <utility>

namespace postern {
namespace {

constexpr int kOn = 1;

Status SetOption(int fd, int level, int option, int value) {
  if (::setsockopt(fd, level, option, &value, sizeof(value)) != 0) {
    return SystemError("setting an option of a netlink socket", errno);
  }
  return Ok();
}

}  // namespace

Result<NetlinkSocket> NetlinkSocket::Open(Protocol protocol) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
                       static_cast<int>(protocol)));
  if (!fd.valid()) {
    return SystemError("opening a netlink socket", errno);
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  const void* opaque = &address;
  if (::bind(fd.get(), static_cast<const sockaddr*>(opaque), sizeof(address)) !=
      0) {
    return SystemError("binding a netlink socket", errno);
  }
  // Kernels that know neither option only say less in their errors.
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &kOn, sizeof(kOn));
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &kOn, sizeof(kOn));
  return NetlinkSocket(std::move(fd));
}

Result<NetlinkSocket> NetlinkSocket::OpenInside(
    Protocol protocol, const NetworkNamespace& inside) {
  return inside.RunInside([protocol] { return Open(protocol); });
}

Status NetlinkSocket::SetReceiveTimeout(std::chrono::milliseconds timeout) {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(timeout);
  timeval value{};
  value.tv_sec = seconds.count();
  value.tv_usec = std::chrono::microseconds(timeout - seconds).count();
  if (::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &value, sizeof(value)) !=
      0) {
    return SystemError("setting the timeout of a netlink socket", errno);
  }
  return Ok();
}

Status NetlinkSocket::SetNonBlocking() {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): fcntl is what it is
  if (::fcntl(fd_.get(), F_SETFL, O_NONBLOCK) != 0) {
    return SystemError("making a netlink socket non-blocking", errno);
  }
  return Ok();
}

Status NetlinkSocket::Join(unsigned group) {
  return SetOption(fd_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
                   static_cast<int>(group));
}

// Of a group that was not joined, too: there is nothing to tell.
void NetlinkSocket::Leave(unsigned group) {
  static_cast<void>(SetOption(fd_.get(), SOL_NETLINK, NETLINK_DROP_MEMBERSHIP,
                              static_cast<int>(group)));
}

int NetlinkSocket::Send(ConstBytes message) {
  ssize_t sent = -1;
  do {
    sent = ::send(fd_.get(), message.data(), message.size(), 0);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

Expected<ConstBytes, int> NetlinkSocket::Receive(Bytes room) {
  while (true) {
    sockaddr_nl from{};
    iovec vector{room.data(), room.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof(from);
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    const ssize_t got = ::recvmsg(fd_.get(), &message, 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return errno;
    }
    if ((message.msg_flags & MSG_TRUNC) != 0) {
      return EMSGSIZE;
    }
    if (from.nl_pid == 0) {
      return ConstBytes(room.first(static_cast<std::size_t>(got)));
    }
  }
}

}  // namespace postern
