// SPDX-License-Identifier: Apache-2.0

#include "control/seqpacket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace postern {
namespace {

// Room for more descriptors than we ever want, so that surplus ones arrive and
// can be told from a control message that was cut.
constexpr std::size_t kFdRoom = 8;

TransferOutcome OutcomeOf(int error) {
  switch (error) {
    case EAGAIN:
      return TransferOutcome::kWouldBlock;
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
      return TransferOutcome::kClosed;
    default:
      return TransferOutcome::kFailed;
  }
}

sockaddr_un AddressOf(const UnixPath& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.view().size());
  return address;
}

const sockaddr* AsSockaddr(const sockaddr_un& address) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
  return reinterpret_cast<const sockaddr*>(&address);
}

// Takes over the descriptors of one SCM_RIGHTS part: they go where `message` has
// room, the others are closed. Returns how many there were.
std::size_t TakeFdsOf(const cmsghdr& part, SeqpacketMessage& message) {
  const std::size_t count = (part.cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (std::size_t i = 0; i < count; ++i) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(&part) + i * sizeof(int), sizeof(int));
    UniqueFd owned(fd);
    if (!message.fd.valid()) {
      message.fd = std::move(owned);
    } else if (!message.second_fd.valid()) {
      message.second_fd = std::move(owned);
    }
  }
  return count;
}

// The same for a whole control message.
std::size_t TakeFds(msghdr& header, SeqpacketMessage& message) {
  std::size_t count = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
       part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
      count += TakeFdsOf(*part, message);
    }
  }
  return count;
}

// Whether `path` is a socket file left behind, at which nobody answers.
bool IsStale(const UnixPath& path) {
  struct stat file {};

  if (::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) {
    return false;
  }
  const auto connected =
      ConnectSeqpacket(path, Deadline::AfterMilliseconds(200));
  return !connected.ok() && connected.error() == ECONNREFUSED;
}

}  // namespace

SeqpacketMessage ReceiveSeqpacket(int socket, Bytes room) {
  SeqpacketMessage message;
  iovec data{.iov_base = room.data(), .iov_len = room.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kFdRoom * sizeof(int))>
      control{};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();

  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    message.outcome = OutcomeOf(errno);
    message.error = message.outcome == TransferOutcome::kFailed ? errno : 0;
    return message;
  }
  const std::size_t fds = TakeFds(header, message);
  const bool cut = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  if (cut || fds > 2) {
    message.fd.reset();
    message.second_fd.reset();
    message.outcome =
        cut ? TransferOutcome::kTruncated : TransferOutcome::kTooManyFds;
    return message;
  }
  message.size = static_cast<std::size_t>(got);
  message.outcome =
      got == 0 ? TransferOutcome::kClosed : TransferOutcome::kDone;
  return message;
}

SendResult SendSeqpacket(int socket, ConstBytes message, int fd,
                         int second_fd) {
  // sendmsg() does not write through iov_base, it only has no const.
  iovec data{.iov_base = const_cast<std::uint8_t*>(message.data()),
             .iov_len = message.size()};
  const std::array<int, 2> fds{fd, second_fd};
  const std::size_t fds_size =
      (second_fd == kNoFd ? 1 : fds.size()) * sizeof(int);
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(fds))> control{};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (fd != kNoFd) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(fds_size);
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(fds_size);
    std::memcpy(CMSG_DATA(part), fds.data(), fds_size);
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &header, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) {
    return {TransferOutcome::kDone, 0};
  }
  const TransferOutcome outcome = OutcomeOf(errno);
  return {outcome, outcome == TransferOutcome::kFailed ? errno : 0};
}

Expected<UniqueFd, int> ConnectSeqpacket(const UnixPath& path,
                                         Deadline deadline) {
  if (!path.ok()) {
    return ENAMETOOLONG;
  }
  UniqueFd connection(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!connection.valid()) {
    return errno;
  }
  const sockaddr_un address = AddressOf(path);
  do {
    // connect() waits for room in the listener's queue, and SO_SNDTIMEO is its
    // only bound; a timeout of zero would mean for ever.
    const std::int64_t left_ms = std::int64_t{deadline.remaining_ms()} + 1;
    const timeval patience{.tv_sec = left_ms / 1000,
                           .tv_usec = (left_ms % 1000) * 1000};
    if (::setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &patience,
                     sizeof(patience)) != 0) {
      return errno;
    }
    if (::connect(connection.get(), AsSockaddr(address), sizeof(address)) ==
        0) {
      return connection;
    }
  } while (errno == EINTR && deadline.remaining_ms() > 0);
  return errno == EINTR ? EAGAIN : errno;
}

int WaitFor(int fd, short events, Deadline deadline) {
  pollfd wanted{.fd = fd, .events = events, .revents = 0};
  for (;;) {
    const int ready = ::poll(&wanted, 1, deadline.remaining_ms());
    if (ready > 0) {
      return 0;
    }
    if (ready == 0) {
      return ETIMEDOUT;
    }
    if (errno != EINTR) {
      return errno;
    }
  }
}

Expected<UniqueFd, int> ListenSeqpacket(const UnixPath& path, mode_t mode) {
  constexpr int kBacklog = 512;
  if (!path.ok()) {
    return ENAMETOOLONG;
  }
  UniqueFd listener(
      ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.valid()) {
    return errno;
  }
  const sockaddr_un address = AddressOf(path);
  const auto bind_here = [&] {
    const int bound =
        ::bind(listener.get(), AsSockaddr(address), sizeof(address));
    return bound == 0 ? 0 : errno;
  };
  int refused = bind_here();
  if (refused == EADDRINUSE && IsStale(path)) {
    ::unlink(path.c_str());
    refused = bind_here();
  }
  if (refused != 0) {
    return refused;
  }
  // Between bind() and listen() a connect() is refused, so nobody slips in
  // under the umask's permissions.
  if (::chmod(path.c_str(), mode) != 0 ||
      ::listen(listener.get(), kBacklog) != 0) {
    return errno;
  }
  return listener;
}

Expected<UniqueFd, int> AcceptSeqpacket(int listener) {
  int accepted = -1;
  do {
    accepted =
        ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  } while (accepted < 0 && errno == EINTR);
  if (accepted < 0) {
    return errno;
  }
  return UniqueFd(accepted);
}

Expected<PeerCredentials, int> PeerCredentialsOf(int connection) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return errno;
  }
  return PeerCredentials{.pid = peer.pid, .uid = peer.uid, .gid = peer.gid};
}

}  // namespace postern
