// SPDX-License-Identifier: Apache-2.0

#include "tun/socket_watch.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "tun/inet_diag.h"

namespace postern {
namespace {

constexpr std::array<unsigned, 4> kGroups = {
    SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET_UDP_DESTROY,
    SKNLGRP_INET6_TCP_DESTROY, SKNLGRP_INET6_UDP_DESTROY};

// Beyond net.core.rmem_max if we may, up to it if not.
void SetBuffer(int fd, std::size_t octets) {
  const int size = static_cast<int>(octets);
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
  }
}

std::uint8_t ProtocolOf(const NetlinkMessage& message) {
  NetlinkAttributes attributes(message.body, sizeof(inet_diag_msg));
  while (const auto attribute = attributes.Next()) {
    if (attribute->type == INET_DIAG_PROTOCOL && !attribute->value.empty()) {
      return attribute->value[0];
    }
  }
  return 0;
}

}  // namespace

SocketWatch::SocketWatch(NetlinkSocket socket)
    : socket_(std::move(socket)), waiting_(ConstBytes()) {}

Result<std::unique_ptr<SocketWatch>> SocketWatch::Create(
    const NetworkNamespace& host, std::size_t buffer_octets) {
  Result<NetlinkSocket> socket =
      NetlinkSocket::OpenInside(NetlinkSocket::Protocol::kSockDiag, host);
  if (!socket) {
    return socket.error();
  }
  if (const Status set = socket->SetNonBlocking(); !set) {
    return set.error();
  }
  SetBuffer(socket->descriptor(), buffer_octets);
  std::unique_ptr<SocketWatch> watch(
      new SocketWatch(std::move(socket).value()));
  if (const Status begun = watch->Listen(); !begun) {
    return begun.error();
  }
  return watch;
}

Status SocketWatch::Listen() {
  if (listens_.load(std::memory_order_acquire)) {
    return Ok();
  }
  for (const unsigned group : kGroups) {
    if (const Status joined = socket_.Join(group); !joined) {
      LeaveAll();
      return joined.error();
    }
  }
  listens_.store(true, std::memory_order_release);
  return Ok();
}

void SocketWatch::Rest() {
  if (listens_.exchange(false, std::memory_order_acq_rel)) {
    LeaveAll();
  }
}

void SocketWatch::LeaveAll() {
  for (const unsigned group : kGroups) {
    socket_.Leave(group);
  }
}

std::optional<SocketEvent> SocketWatch::NextWaiting() {
  while (const auto message = waiting_.Next()) {
    if (const auto event = Understand(*message)) {
      return event;
    }
  }
  return std::nullopt;
}

std::optional<SocketEvent> SocketWatch::Next() {
  while (true) {
    if (const auto event = NextWaiting()) {
      return event;
    }
    const Expected<ConstBytes, int> datagram = socket_.Receive(room_);
    if (datagram) {
      waiting_ = NetlinkMessages(*datagram);
      continue;
    }
    if (datagram.error() == EAGAIN) {
      return std::nullopt;
    }
    return SocketEvent{};  // ENOBUFS, or worse: something was missed
  }
}

std::optional<SocketEvent> SocketWatch::Understand(
    const NetlinkMessage& message) {
  const auto report = LoadKernelStruct<inet_diag_msg>(message.body);
  if (message.header.nlmsg_type != SOCK_DIAG_BY_FAMILY || !report) {
    return std::nullopt;
  }
  const auto key = FlowKeyOf(*report, ProtocolOf(message));
  if (!key) {
    return std::nullopt;
  }
  return SocketEvent{SocketEvent::Kind::kGone, CookieOf(report->id), *key};
}

}  // namespace postern
