// SPDX-License-Identifier: Apache-2.0

#include "wire/udp_sender.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/log/log.h"
#include "core/packet/refused_send.h"

namespace postern {
namespace {

// The kernel's UDP_MAX_SEGMENTS was 64 for long, and a train's length must fit
// an IP header's with the headers of either family.
constexpr std::size_t kMostDatagrams = 64;
constexpr std::size_t kMostOctets = 65'000;

// EIO, EINVAL, EOPNOTSUPP: no trains on this socket, path or kernel. EINVAL and
// EMSGSIZE: the segments are larger than the interface's MTU. The datagrams one
// by one tell which.
bool MayBeForTheTrain(int errno_value) {
  return errno_value == EIO || errno_value == EINVAL ||
         errno_value == EOPNOTSUPP || errno_value == EMSGSIZE;
}

// Messages sent, or -1.
int SendMessages(int fd, std::span<mmsghdr> messages) {
  int sent = -1;
  do {
    sent = ::sendmmsg(fd, messages.data(),
                      static_cast<unsigned>(messages.size()), MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

template <typename T>
struct ControlEntry {
  int level;
  int type;
  T value;
};

// Writes one entry behind those that are there already.
template <typename T>
void AppendControl(msghdr& header, const ControlEntry<T>& entry) {
  const std::size_t used = header.msg_controllen;
  header.msg_controllen = used + CMSG_SPACE(sizeof(T));
  auto* octets = static_cast<std::uint8_t*>(header.msg_control) + used;
  const cmsghdr written{.cmsg_len = CMSG_LEN(sizeof(T)),
                        .cmsg_level = entry.level,
                        .cmsg_type = entry.type};
  std::memcpy(octets, &written, sizeof(written));
  std::memcpy(octets + CMSG_LEN(0), &entry.value, sizeof(T));
}

}  // namespace

UdpSender::UdpSender(const UdpSocket& socket) : socket_(socket) {}

bool UdpSender::SendsTrainsTo(const SocketAddress& to) const {
  return socket_.segmentation() == UdpSocket::Segmentation::kByKernel &&
         std::ranges::find(without_trains_, &to) == without_trains_.end();
}

bool UdpSender::Extends(const Train& train, const UdpDatagram& next) const {
  const UdpDatagram& first = datagrams_[train.first];
  const UdpDatagram& last = datagrams_[train.first + train.count - 1];
  return next.to == first.to && next.traffic_class == first.traffic_class &&
         last.octets.size() == first.octets.size() &&
         next.octets.size() <= first.octets.size() &&
         train.count < kMostDatagrams &&
         train.octets + next.octets.size() <= kMostOctets &&
         SendsTrainsTo(*next.to);
}

void UdpSender::Add(const UdpDatagram& datagram) {
  if (size_ == kMost) {
    std::abort();
  }
  if (trains_size_ == 0 || !Extends(trains_[trains_size_ - 1], datagram)) {
    trains_[trains_size_++] = {.first = size_};
  }
  Train& train = trains_[trains_size_ - 1];
  ++train.count;
  train.octets += datagram.octets.size();
  // The kernel only reads what iovec calls writable.
  parts_[size_] = {const_cast<std::uint8_t*>(datagram.octets.data()),
                   datagram.octets.size()};
  datagrams_[size_++] = datagram;
}

void UdpSender::Prepare(std::size_t message, const Train& train) {
  const UdpDatagram& first = datagrams_[train.first];
  msghdr& header = messages_[message].msg_hdr;
  header = {};
  header.msg_name = const_cast<sockaddr*>(first.to->get());
  header.msg_namelen = first.to->size();
  header.msg_iov = &parts_[train.first];
  header.msg_iovlen = train.count;
  header.msg_control = controls_[message].octets.data();
  if (first.traffic_class != 0) {
    const bool v4 = socket_.at().address.family() == IpFamily::kV4;
    AppendControl(header, ControlEntry<int>{v4 ? IPPROTO_IP : IPPROTO_IPV6,
                                            v4 ? IP_TOS : IPV6_TCLASS,
                                            first.traffic_class});
  }
  if (train.count > 1) {
    const auto segment = static_cast<std::uint16_t>(first.octets.size());
    AppendControl(header,
                  ControlEntry<std::uint16_t>{SOL_UDP, UDP_SEGMENT, segment});
  }
}

void UdpSender::Flush(WorkerStats& stats) {
  const std::span<const Train> trains = std::span(trains_).first(trains_size_);
  for (std::size_t i = 0; i < trains.size(); ++i) {
    Prepare(i, trains[i]);
  }
  for (std::size_t next = 0; next < trains.size();) {
    const int sent =
        SendMessages(socket_.descriptor(),
                     std::span(messages_).subspan(next, trains.size() - next));
    stats.Add(Count::kWireSendCalls);
    if (sent > 0) {
      CountSent(trains.subspan(next, static_cast<std::size_t>(sent)), stats);
      next += static_cast<std::size_t>(sent);
    } else {
      FlushTrain(next++, errno, stats);
    }
  }
  size_ = 0;
  trains_size_ = 0;
}

void UdpSender::CountSent(std::span<const Train> trains, WorkerStats& stats) {
  for (const Train& train : trains) {
    stats.Add(Count::kWireDatagramsSent, train.count);
    if (train.count > 1) {
      stats.Add(Count::kWireTrainsSent);
    }
  }
}

// The kernel has refused it with this errno. An earlier datagram's ICMP error
// (ECONNREFUSED) is told by this one, too.
void UdpSender::FlushTrain(std::size_t message, int errno_value,
                           WorkerStats& stats) {
  const Train& train = trains_[message];
  if (train.count == 1 || !MayBeForTheTrain(errno_value)) {
    for (std::size_t i = 0; i < train.count; ++i) {
      stats.Drop(ReasonOfRefusedSend(errno_value));
    }
    return;
  }
  const std::uint64_t before = stats.of(Count::kWireDatagramsSent);
  SendOneByOne(message, stats);
  if (stats.of(Count::kWireDatagramsSent) - before == train.count) {
    StopTrainsTo(*datagrams_[train.first].to, errno_value);
  }
}

// By the train's own message, as it is of no use any more.
void UdpSender::SendOneByOne(std::size_t message, WorkerStats& stats) {
  const Train& train = trains_[message];
  for (std::size_t i = 0; i < train.count; ++i) {
    const Train alone{.first = train.first + i,
                      .count = 1,
                      .octets = datagrams_[train.first + i].octets.size()};
    Prepare(message, alone);
    const int sent = SendMessages(socket_.descriptor(),
                                  std::span(messages_).subspan(message, 1));
    stats.Add(Count::kWireSendCalls);
    if (sent == 1) {
      CountSent(std::span(&alone, 1), stats);
    } else {
      stats.Drop(ReasonOfRefusedSend(errno));
    }
  }
}

void UdpSender::StopTrainsTo(const SocketAddress& to, int errno_value) {
  if (!SendsTrainsTo(to)) {
    return;
  }
  without_trains_.push_back(&to);
  Log(LogLevel::kWarning, "udp_segmentation_is_off",
      {{"wire", socket_.at().ToString()},
       {"peer", to.endpoint().ToString()},
       {"reason", std::string(std::strerror(errno_value))},
       {"effect",
        "each datagram takes its own way through the kernel, which is several "
        "times slower; a path whose device computes no UDP checksums does "
        "this before Linux 6.11"}});
}

}  // namespace postern
