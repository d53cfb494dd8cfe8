// SPDX-License-Identifier: Apache-2.0

#include "wire/ethernet_wire.h"

#include <utility>

#include "core/net/plain_ip.h"

namespace postern {
namespace {

constexpr std::size_t kMostWays = 1024;

// A flood of what is not for the host must not hold a worker: it looks up after
// so many.
constexpr std::size_t kFetchesAtATime = 8;

Opinion<IpAddress> DestinationOf(ConstBytes packet) {
  if (packet.size() < PlainIpv4::kSize) {
    return DropReason::kTruncated;
  }
  switch (packet[0] >> 4U) {
    case 4:
      return PlainIpv4::DestinationOf(packet.first<PlainIpv4::kSize>());
    case 6:
      if (packet.size() < PlainIpv6::kSize) {
        return DropReason::kTruncated;
      }
      return PlainIpv6::DestinationOf(packet.first<PlainIpv6::kSize>());
    default:
      return DropReason::kBadIpVersion;
  }
}

// What Ethernet has put behind a short packet goes. Lengths that cannot be are
// left to whoever reads the header.
void TrimPadding(Packet& packet) {
  const ConstBytes octets = packet.bytes();
  std::size_t size = octets.size();
  if (octets[0] >> 4U == 4 && size >= PlainIpv4::kSize) {
    size = LoadBe<std::uint16_t>(octets.subspan(2));
  } else if (octets[0] >> 4U == 6 && size >= PlainIpv6::kSize) {
    size = PlainIpv6::kSize + LoadBe<std::uint16_t>(octets.subspan(4));
  }
  if (size >= PlainIpv4::kSize && size < octets.size()) {
    packet.TrimBack(octets.size() - size);
  }
}

}  // namespace

void EthernetWire::Send(Batch& batch, WorkerStats& stats) {
  if (batch.empty()) {
    return;
  }
  const Instant now = parts_.clock();
  ForgetOldWays();
  const std::size_t most = mtu();
  Batch frames;
  for (Packet& packet : batch.packets()) {
    if (!packet) {
      continue;
    }
    const Opinion<Fate> fate = packet.size() > most
                                   ? Opinion<Fate>(DropReason::kTooBig)
                                   : PutHeader(packet, now, stats);
    if (!fate.ok()) {
      stats.Drop(fate.error());
    } else if (*fate == Fate::kHasHeader) {
      frames.Push(std::move(packet));
    }
  }
  batch.Clear();
  if (!frames.empty()) {
    parts_.frames->Send(frames, stats);
  }
}

void EthernetWire::ForgetOldWays() {
  const std::uint64_t generation = parts_.link->generation();
  if (generation != generation_ || ways_.size() > kMostWays) {
    generation_ = generation;
    ways_.clear();
    destination_.reset();
  }
}

// Most packets go where the one before went.
Opinion<EthernetWire::Fate> EthernetWire::PutHeader(Packet& packet, Instant now,
                                                    WorkerStats& stats) {
  const Opinion<IpAddress> destination = DestinationOf(packet.bytes());
  if (!destination.ok()) {
    return destination.error();
  }
  if (destination_ != *destination || now >= way_->until) {
    const Opinion<const Way*> way = WayTo(*destination, packet, now, stats);
    if (!way.ok()) {
      return way.error();
    }
    if (*way == nullptr) {
      return Fate::kKept;
    }
    destination_ = *destination;
    way_ = *way;
  }
  const bool v4 = destination->family() == IpFamily::kV4;
  if (!packet.Prepend(kEthernetHeaderSize)) {
    return DropReason::kNoHeadroom;
  }
  const EthernetHeader header{way_->mac, parts_.link->mac(),
                              v4 ? EtherType::kIpv4 : EtherType::kIpv6};
  header.Write(packet.bytes());
  return Fate::kHasHeader;
}

// Null: the link keeps the packet until it knows.
Opinion<const EthernetWire::Way*> EthernetWire::WayTo(
    const IpAddress& destination, const Packet& packet, Instant now,
    WorkerStats& stats) {
  const auto known = ways_.find(destination);
  if (known != ways_.end() && now < known->second.until) {
    return &known->second;
  }
  const Opinion<EthernetLink::NextHop> hop = parts_.link->Towards(destination);
  if (!hop.ok()) {
    return hop.error();
  }
  std::optional<Way> way;
  if (hop->group) {
    way = Way{*hop->group, Instant::max()};
  } else {
    way = parts_.link->FindWay(hop->neighbour, packet.bytes(), now, stats,
                               [&](const EthernetLink::Frames& frames) {
                                 SendQuestion(packet, frames, stats);
                               });
  }
  return way ? &(ways_[destination] = *way) : nullptr;
}

void EthernetWire::SendQuestion(const Packet& asks,
                                const EthernetLink::Frames& frames,
                                WorkerStats& stats) {
  Batch questions;
  for (const Neighbours::Frame& frame : frames) {
    if (Packet question = asks.TakeSibling(frame.size())) {
      CopyBytes(question.bytes(), frame);
      questions.Push(std::move(question));
    } else {
      stats.Drop(DropReason::kPoolEmpty);
    }
  }
  parts_.frames->Send(questions, stats);
}

std::size_t EthernetWire::Receive(Batch& batch, PacketPool& pool,
                                  WorkerStats& stats) {
  const Reception reception{pool, stats};
  TickIfDue(reception);
  const std::size_t before = batch.size();
  for (std::size_t i = 0; i < kFetchesAtATime && batch.size() == before; ++i) {
    if (parts_.frames->Receive(batch, pool, stats) == 0) {
      break;
    }
    Sift(batch, before, reception);
  }
  return batch.size() - before;
}

void EthernetWire::TickIfDue(const Reception& reception) {
  const std::optional<Instant> due = parts_.link->NextDue();
  if (!due) {
    return;
  }
  if (const Instant now = parts_.clock(); now >= *due) {
    parts_.link->Tick(now, reception.stats, SinkOf(reception));
  }
}

EthernetLink::Sink EthernetWire::SinkOf(const Reception& reception) {
  return [this, &reception](const EthernetLink::Frames& frames) {
    SendFrames(frames, reception);
  };
}

// Of the frames behind the first `from`, the IP packets stay.
void EthernetWire::Sift(Batch& batch, std::size_t from,
                        const Reception& reception) {
  const std::span<Packet> packets = batch.packets();
  std::size_t kept = from;
  for (std::size_t i = from; i < packets.size(); ++i) {
    const Opinion<Content> content = Open(packets[i], reception);
    if (content.ok() && *content == Content::kIpPacket) {
      if (kept != i) {
        packets[kept] = std::move(packets[i]);
      }
      ++kept;
      continue;
    }
    if (!content.ok()) {
      reception.stats.Drop(content.error());
    }
    packets[i].Release();
  }
  batch.Truncate(kept);
}

Opinion<EthernetWire::Content> EthernetWire::Open(Packet& frame,
                                                  const Reception& reception) {
  if (frame.size() <= kEthernetHeaderSize) {
    return DropReason::kTruncated;
  }
  const EthernetHeader header = EthernetHeader::Read(frame.bytes());
  const bool for_us = header.destination == parts_.link->mac();
  const bool for_all = header.destination.is_group();
  if (!for_us && !for_all) {
    return DropReason::kForeignFrame;
  }
  if (header.type == EtherType::kArp) {
    const Passage heard = parts_.link->HearArp(
        frame.bytes().subspan(kEthernetHeaderSize), parts_.clock(),
        reception.stats, SinkOf(reception));
    return heard.ok() ? Opinion<Content>(Content::kLinkMessage) : heard.error();
  }
  return OpenIp(frame, header, reception);
}

Opinion<EthernetWire::Content> EthernetWire::OpenIp(
    Packet& frame, const EthernetHeader& header, const Reception& reception) {
  if (header.type != EtherType::kIpv4 && header.type != EtherType::kIpv6) {
    return DropReason::kForeignFrame;
  }
  frame.TrimFront(kEthernetHeaderSize);
  const bool v6 = header.type == EtherType::kIpv6;
  if (frame.bytes()[0] >> 4U != (v6 ? 6 : 4)) {
    return DropReason::kBadIpVersion;
  }
  TrimPadding(frame);
  if (v6 && NeighbourMessage::IsOne(frame.bytes())) {
    const Passage heard =
        parts_.link->HearNeighbour(frame.bytes(), header.source, parts_.clock(),
                                   reception.stats, SinkOf(reception));
    return heard.ok() ? Opinion<Content>(Content::kLinkMessage) : heard.error();
  }
  if (header.destination.is_group() ||
      (v6 && IsOtherDiscovery(frame.bytes()))) {
    return DropReason::kForeignFrame;
  }
  return Content::kIpPacket;
}

void EthernetWire::SendFrames(const EthernetLink::Frames& frames,
                              const Reception& reception) {
  Batch answers;
  for (const Neighbours::Frame& frame : frames) {
    Packet answer = reception.pool.Copy(frame);
    if (!answer) {
      reception.stats.Drop(DropReason::kPoolEmpty);
      continue;
    }
    answers.Push(std::move(answer));
    if (answers.full()) {
      parts_.frames->SendBack(answers, reception.stats);
    }
  }
  if (!answers.empty()) {
    parts_.frames->SendBack(answers, reception.stats);
  }
}

}  // namespace postern
