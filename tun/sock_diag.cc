// SPDX-License-Identifier: Apache-2.0

#include "tun/sock_diag.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "core/net/protocols.h"
#include "tun/inet_diag.h"

namespace postern {
namespace {

constexpr Owner kNobody{.kind = Owner::Kind::kNobody};
constexpr Owner kUnknown{.kind = Owner::Kind::kUnknown};

bool IsTcp(const FlowKey& key) {
  return key.protocol == Number(IpProtocol::kTcp);
}

bool IsUdp(const FlowKey& key) {
  return key.protocol == Number(IpProtocol::kUdp);
}

bool CanBeAsked(const FlowKey& key) {
  return key.local_port != 0 && key.remote_port != 0 &&
         key.local.family() == key.remote.family();
}

CgroupId CgroupIn(ConstBytes answer) {
  NetlinkAttributes attributes(answer, sizeof(inet_diag_msg));
  while (const auto attribute = attributes.Next()) {
    if (attribute->type == INET_DIAG_CGROUP_ID) {
      return CgroupId{
          LoadKernelStruct<std::uint64_t>(attribute->value).value_or(0)};
    }
  }
  return kNoCgroup;
}

inet_diag_req_v2 QuestionOf(const FlowKey& key, std::uint32_t link_index) {
  const DiagEnd local{key.local, key.local_port};
  const DiagEnd remote{key.remote, key.remote_port};
  inet_diag_req_v2 question{};
  question.sdiag_family =
      key.local.family() == IpFamily::kV4 ? AF_INET : AF_INET6;
  question.sdiag_protocol = key.protocol;
  question.idiag_states = ~0U;
  // udp_diag looks up with the ends as an arriving packet has them.
  question.id = IsUdp(key) ? DiagIdOf(remote, local) : DiagIdOf(local, remote);
  question.id.idiag_if = link_index;
  return question;
}

}  // namespace

SockDiagOwner::SockDiagOwner(NetlinkSocket socket, std::uint32_t link_index)
    : socket_(std::move(socket)), link_index_(link_index) {}

Result<std::unique_ptr<SockDiagOwner>> SockDiagOwner::Create(
    const NetworkNamespace& host, std::uint32_t link_index,
    std::chrono::milliseconds patience) {
  Result<NetlinkSocket> socket =
      NetlinkSocket::OpenInside(NetlinkSocket::Protocol::kSockDiag, host);
  if (!socket) {
    return socket.error();
  }
  if (const Status set = socket->SetReceiveTimeout(patience); !set) {
    return set.error();
  }
  return std::unique_ptr<SockDiagOwner>(
      new SockDiagOwner(std::move(socket).value(), link_index));
}

Owner SockDiagOwner::Find(const FlowKey& key) {
  if (!IsTcp(key) && !IsUdp(key)) {
    return kNobody;
  }
  if (!CanBeAsked(key)) {
    return kUnknown;
  }
  NetlinkRequest request(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST);
  request.PutStruct(QuestionOf(key, link_index_));
  const std::uint32_t sequence = socket_.NextSequence();
  if (socket_.Send(request.Finish(sequence)) != 0) {
    return kUnknown;
  }
  return Await(sequence);
}

std::optional<NetlinkMessage> SockDiagOwner::AnswerIn(ConstBytes datagram,
                                                      std::uint32_t sequence) {
  NetlinkMessages messages(datagram);
  while (const auto message = messages.Next()) {
    if (message->header.nlmsg_seq == sequence) {
      return message;
    }
  }
  return std::nullopt;
}

Owner SockDiagOwner::Await(std::uint32_t sequence) {
  // Answers to questions that were given up may stand in front of ours. They
  // are few: the kernel answers within the system call that asks.
  constexpr int kMostStale = 64;
  for (int i = 0; i < kMostStale; ++i) {
    const Expected<ConstBytes, int> datagram = socket_.Receive(room_);
    if (!datagram) {
      return kUnknown;
    }
    if (const auto answer = AnswerIn(*datagram, sequence)) {
      return Understand(*answer);
    }
  }
  return kUnknown;
}

Owner SockDiagOwner::Understand(const NetlinkMessage& message) {
  if (message.header.nlmsg_type == NLMSG_ERROR) {
    return RefusalOf(message).errno_value == ENOENT ? kNobody : kUnknown;
  }
  const auto report = LoadKernelStruct<inet_diag_msg>(message.body);
  if (message.header.nlmsg_type != SOCK_DIAG_BY_FAMILY || !report) {
    return kUnknown;  // NLMSG_DONE, too: nothing was listed
  }
  // UDP sockets report TCP_ESTABLISHED or TCP_CLOSE.
  const bool listens = report->idiag_state == TCP_LISTEN;
  return {.kind = Owner::Kind::kSocket,
          .cookie = CookieOf(report->id),
          .role = listens ? Owner::Role::kListener : Owner::Role::kEndpoint,
          .half_open = report->idiag_state == TCP_SYN_RECV,
          .cgroup = CgroupIn(message.body)};
}

SockDiagOwner::Existence SockDiagOwner::TcpConnection(const FlowKey& key) {
  if (!IsTcp(key)) {
    return Existence::kUnknown;
  }
  const Owner owner = Find(key);
  if (owner.kind == Owner::Kind::kUnknown) {
    return Existence::kUnknown;
  }
  const bool there = owner.kind == Owner::Kind::kSocket &&
                     owner.role == Owner::Role::kEndpoint;
  return there ? Existence::kThere : Existence::kGone;
}

}  // namespace postern
