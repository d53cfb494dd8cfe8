// SPDX-License-Identifier: Apache-2.0

#include "tun/tun_reader.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/net/ipv6_extensions.h"

namespace postern {
namespace {

// Of an IPv6 packet; one of IPv4 is smaller.
constexpr std::size_t kLargest = kIpv6HeaderSize + 65535;

// The kernel counted from the stamp on.
void LeaveOutStamp(VnetHeader& vnet) {
  constexpr std::uint16_t kStamp = SocketStamp::kOctets;
  for (std::uint16_t* offset : {&vnet.header_length, &vnet.checksum_start}) {
    *offset =
        *offset < kStamp ? 0 : static_cast<std::uint16_t>(*offset - kStamp);
  }
}

}  // namespace

// One octet more than any packet has: a TUN cuts a packet to the room it gets
// and does not say so.
TunReader::TunReader(int descriptor, TunFraming framing)
    : descriptor_(descriptor),
      vnet_size_(framing == TunFraming::kVnetHeader ? sizeof(VnetHeader) : 0),
      super_(framing == TunFraming::kVnetHeader ? kLargest + 1 : 1) {}

std::size_t TunReader::Receive(Batch& batch, PacketPool& pool,
                               WorkerStats& stats, std::size_t mtu) {
  const std::size_t before = batch.size();
  Cut(batch, pool, stats);
  // Bounded, so that a flood of packets that we refuse cannot hold us here.
  for (std::size_t i = 0;
       i < Batch::kCapacity && !batch.full() && segmenter_.done(); ++i) {
    Packet packet = pool.Take(pool.shape().payload);
    if (!packet) {
      break;
    }
    Arrival arrival = ReadInto(packet, mtu);
    if (arrival.octets <= 0) {
      packet.Release();
      break;
    }
    const Passage accepted =
        Accept(packet, arrival, std::min(mtu, pool.shape().payload));
    if (!accepted.ok()) {
      packet.Release();
      stats.Drop(accepted.error());
    } else if (segmenter_.done()) {
      batch.Push(std::move(packet));
    } else {
      packet.Release();
      stats.Add(Count::kSuperPacketsRead);
      Cut(batch, pool, stats);
    }
  }
  return batch.size() - before;
}

TunReader::Arrival TunReader::ReadInto(Packet& packet, std::size_t mtu) {
  const bool vnet = vnet_size_ > 0;
  Arrival arrival;
  arrival.in_packet = vnet ? std::min(packet.size(), mtu) : packet.size();
  const Bytes rest =
      vnet ? Bytes(super_).subspan(arrival.in_packet) : Bytes(super_);
  std::array<iovec, 3> parts = {{
      {arrival.front.data(), front_size()},
      {packet.bytes().data(), arrival.in_packet},
      {rest.data(), rest.size()},
  }};
  do {
    arrival.octets =
        ::readv(descriptor_, parts.data(), static_cast<int>(parts.size()));
  } while (arrival.octets < 0 && errno == EINTR);
  return arrival;
}

// Afterwards the packet is whole, or a segmenter is not done.
Passage TunReader::Accept(Packet& packet, Arrival& arrival, std::size_t most) {
  const auto octets = static_cast<std::size_t>(arrival.octets);
  if (octets < vnet_size_) {
    return DropReason::kTruncated;
  }
  std::memcpy(&arrival.vnet, arrival.front.data(), vnet_size_);
  if (stamp_) {
    const Opinion<Owner> sender =
        stamp_->Read(ConstBytes(arrival.front).subspan(vnet_size_));
    if (!sender.ok()) {
      return sender.error();
    }
    packet.set_sender(*sender);
    LeaveOutStamp(arrival.vnet);
  }
  if (octets < front_size()) {
    return DropReason::kTruncated;
  }
  const std::size_t size = octets - front_size();
  return arrival.vnet.is_super_packet() ? BeginCut(packet, arrival, size, most)
                                        : AcceptOrdinary(packet, arrival, size);
}

Passage TunReader::AcceptOrdinary(Packet& packet, const Arrival& arrival,
                                  std::size_t size) const {
  if (size > packet.size()) {
    return DropReason::kTooBig;
  }
  packet.TrimBack(packet.size() - size);
  if (size > arrival.in_packet) {  // the link's MTU is not what we made it
    CopyBytes(packet.bytes().subspan(arrival.in_packet),
              ConstBytes(super_).first(size).subspan(arrival.in_packet));
  }
  return FinishChecksum(arrival.vnet, packet.bytes());
}

Passage TunReader::BeginCut(const Packet& packet, const Arrival& arrival,
                            std::size_t size, std::size_t most) {
  if (size > kLargest) {
    return DropReason::kTooBig;
  }
  CopyBytes(super_, packet.bytes().first(std::min(size, arrival.in_packet)));
  const Opinion<Segmenter> segmenter =
      Segmenter::Start(arrival.vnet, ConstBytes(super_).first(size));
  if (!segmenter.ok()) {
    return segmenter.error();
  }
  if (segmenter->next_size() > most) {
    return DropReason::kTooBig;
  }
  segmenter_ = *segmenter;
  sender_ = packet.sender();
  return Pass();
}

void TunReader::Cut(Batch& batch, PacketPool& pool, WorkerStats& stats) {
  while (!segmenter_.done() && !batch.full()) {
    Packet packet = pool.Take(segmenter_.next_size());
    if (!packet) {
      return;
    }
    segmenter_.CutNext(packet.bytes());
    packet.set_sender(sender_);
    batch.Push(std::move(packet));
    stats.Add(Count::kSegmentsRead);
  }
}

}  // namespace postern
