// SPDX-License-Identifier: Apache-2.0

#include "wire/udp_receiver.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace postern {
namespace {

// IP_TOS comes as an octet, the others as an int.
int ValueOf(const cmsghdr& entry) {
  const std::uint8_t* data = CMSG_DATA(&entry);
  if (entry.cmsg_len < CMSG_LEN(sizeof(int))) {
    return *data;
  }
  int value = 0;
  std::memcpy(&value, data, sizeof(value));
  return value;
}

}  // namespace

// Not initialised, so that memory is only taken where something arrives.
UdpReceiver::UdpReceiver()
    : buffers_(new std::uint8_t[kMessages * kMessageOctets]) {
  for (std::size_t i = 0; i < kMessages; ++i) {
    parts_[i] = {Buffer(i).data(), kMessageOctets};
  }
}

Bytes UdpReceiver::Buffer(std::size_t message) {
  return Bytes(buffers_.get(), kMessages * kMessageOctets)
      .subspan(message * kMessageOctets, kMessageOctets);
}

std::size_t UdpReceiver::Fetch(int socket, WorkerStats& stats) {
  for (std::size_t i = 0; i < kMessages; ++i) {
    messages_[i] = {.msg_hdr = {.msg_name = &senders_[i],
                                .msg_namelen = sizeof(senders_[i]),
                                .msg_iov = &parts_[i],
                                .msg_iovlen = 1,
                                .msg_control = controls_[i].octets.data(),
                                .msg_controllen = sizeof(controls_[i]),
                                .msg_flags = 0},
                    .msg_len = 0};
  }
  int came = -1;
  do {
    came =
        ::recvmmsg(socket, messages_.data(), kMessages, MSG_DONTWAIT, nullptr);
  } while (came < 0 && errno == EINTR);
  size_ = static_cast<std::size_t>(std::max(came, 0));
  next_ = 0;
  offset_ = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    arrived_[i] = Read(i);
    const std::size_t datagrams = std::max<std::size_t>(
        1, (arrived_[i].octets.size() + arrived_[i].segment - 1) /
               arrived_[i].segment);
    stats.Add(Count::kWireDatagramsReceived, datagrams);
    if (datagrams > 1) {
      stats.Add(Count::kWireTrainsReceived);
    }
  }
  if (size_ > 0) {
    stats.Add(Count::kWireReceiveCalls);
  }
  return size_;
}

UdpReceiver::Message UdpReceiver::Read(std::size_t message) {
  mmsghdr& header = messages_[message];
  Message read{.octets = ConstBytes(Buffer(message)).first(header.msg_len)};
  for (cmsghdr* entry = CMSG_FIRSTHDR(&header.msg_hdr); entry != nullptr;
       entry = CMSG_NXTHDR(&header.msg_hdr, entry)) {
    const int value = ValueOf(*entry);
    if (entry->cmsg_level == SOL_UDP && entry->cmsg_type == UDP_GRO) {
      read.segment = static_cast<std::size_t>(std::max(value, 0));
    } else if ((entry->cmsg_level == IPPROTO_IP &&
                entry->cmsg_type == IP_TOS) ||
               (entry->cmsg_level == IPPROTO_IPV6 &&
                entry->cmsg_type == IPV6_TCLASS)) {
      read.traffic_class = static_cast<std::uint8_t>(value);
    }
  }
  if (read.segment == 0) {
    read.segment = std::max<std::size_t>(1, read.octets.size());
  }
  return read;
}

std::optional<UdpReceiver::Arrived> UdpReceiver::Next() {
  if (next_ == size_) {
    return std::nullopt;
  }
  current_ = next_;
  const Message& message = arrived_[current_];
  const ConstBytes rest = message.octets.subspan(offset_);
  const Arrived arrived{
      .octets = rest.first(std::min(rest.size(), message.segment)),
      .traffic_class = message.traffic_class,
      .place = offset_ == 0 ? Arrived::Place::kFirst : Arrived::Place::kLater};
  offset_ += arrived.octets.size();
  if (offset_ == message.octets.size()) {
    ++next_;
    offset_ = 0;
  }
  return arrived;
}

}  // namespace postern
