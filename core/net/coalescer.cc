// SPDX-License-Identifier: Apache-2.0

#include "core/net/coalescer.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "core/net/ip_view.h"
#include "core/net/transport_fields.h"

namespace postern {
namespace {

constexpr std::size_t kLargest = 65535;

std::uint16_t Word16(ConstBytes octets, std::size_t at) {
  return LoadBe<std::uint16_t>(octets.subspan(at));
}

// Octet by octet the same in both.
bool Same(ConstBytes a, ConstBytes b, std::size_t at, std::size_t size) {
  const ConstBytes in_a = a.subspan(at, size);
  const ConstBytes in_b = b.subspan(at, size);
  return std::equal(in_a.begin(), in_a.end(), in_b.begin());
}

// What a cut leaves as it is in every packet's IP header.
bool SameIpHeader(const Coalescer::Run& run, ConstBytes packet) {
  const ConstBytes head = run.head;
  if (run.headers.is_v4) {
    return Same(head, packet, ipv4::kTrafficClass, 1) &&
           Same(head, packet, ipv4::kFragment, 2) &&
           Same(head, packet, ipv4::kHopLimit, 1);
  }
  return Same(head, packet, 0, 4) && Same(head, packet, ipv6::kHopLimit, 1);
}

// How far the packet's identification is from the one before it, in a run of
// `count`: 0 or 1, or nothing if it belongs to no such run.
std::optional<std::uint8_t> IdStep(const Coalescer::Run& run,
                                   ConstBytes packet) {
  if (!run.headers.is_v4) {
    return 0;
  }
  const auto ahead =
      static_cast<std::uint16_t>(Word16(packet, ipv4::kIdentification) -
                                 Word16(run.head, ipv4::kIdentification));
  const bool atomic =
      (Word16(packet, ipv4::kFragment) & ipv4::kDontFragment) != 0;
  if (ahead == run.count && (run.count == 1 || run.id_step == 1)) {
    return 1;
  }
  if (ahead == 0 && atomic && (run.count == 1 || run.id_step == 0)) {
    return 0;
  }
  return std::nullopt;
}

bool FollowsInTcp(const Coalescer::Run& run, ConstBytes packet) {
  const ConstBytes head = run.head.subspan(run.headers.transport);
  const ConstBytes segment = packet.subspan(run.headers.transport);
  const auto expected = static_cast<std::uint32_t>(
      LoadBe<std::uint32_t>(head.subspan(tcp::kSequence)) +
      run.count * run.headers.payload_size);
  const std::size_t options =
      run.headers.size - run.headers.transport - tcp::kHeaderSize;
  return LoadBe<std::uint32_t>(segment.subspan(tcp::kSequence)) == expected &&
         Same(head, segment, tcp::kAcknowledgement, 4) &&
         Same(head, segment, tcp::kWindow, 2) &&
         Same(head, segment, tcp::kUrgent, 2) &&
         Same(head, segment, tcp::kHeaderSize, options);
}

}  // namespace

void Coalescer::Clear() {
  packet_count_ = 0;
  run_count_ = 0;
  flow_count_ = 0;
}

void Coalescer::Add(ConstBytes packet) {
  if (packet_count_ == kMostPackets) {
    std::abort();
  }
  const auto headers = PlainHeaders::Parse(packet);
  if (!headers) {
    flow_count_ = 0;  // it may be of any of them
    Begin(packet, {});
    return;
  }
  Flow* flow = FindFlow(packet, *headers);
  if (flow == nullptr) {
    flow = &ClaimFlow(headers->tag);
  } else if (Grow(runs_[flow->run], packet, *headers)) {
    return;
  }
  flow->run = Begin(packet, *headers);
}

Coalescer::Flow* Coalescer::FindFlow(ConstBytes packet,
                                     const PlainHeaders& headers) {
  for (Flow& flow : std::span(flows_).first(flow_count_)) {
    if (flow.tag == headers.tag &&
        PlainHeaders::SameFlow(runs_[flow.run].head, packet)) {
      return &flow;
    }
  }
  return nullptr;
}

// When there are too many, one is forgotten, and its run cannot grow any more.
Coalescer::Flow& Coalescer::ClaimFlow(std::uint32_t tag) {
  std::size_t place = flow_count_;
  if (flow_count_ < kFlows) {
    ++flow_count_;
  } else {
    place = oldest_flow_;
    oldest_flow_ = (oldest_flow_ + 1) % kFlows;
  }
  flows_[place].tag = tag;
  return flows_[place];
}

// Returns the index of a run of this packet alone.
std::uint8_t Coalescer::Begin(ConstBytes packet, const PlainHeaders& headers) {
  const auto index = static_cast<std::uint8_t>(packet_count_++);
  const bool together = headers.is_tcp || datagrams_ == Datagrams::kTogether;
  runs_[run_count_] = {
      .head = packet,
      .headers = headers,
      .size = packet.size(),
      .first = index,
      .last = index,
      .count = 1,
      .is_open = headers.may_join && !headers.has_push && together};
  return static_cast<std::uint8_t>(run_count_++);
}

bool Coalescer::Grow(Run& run, ConstBytes packet, const PlainHeaders& headers) {
  if (!run.is_open || !headers.may_join || headers.size != run.headers.size ||
      headers.payload_size > run.headers.payload_size ||
      run.size + headers.payload_size > kLargest ||
      !SameIpHeader(run, packet)) {
    return false;
  }
  const std::optional<std::uint8_t> step = IdStep(run, packet);
  if (!step || (headers.is_tcp && !FollowsInTcp(run, packet))) {
    return false;
  }
  run.is_verified = run.is_verified || run.headers.HasRightChecksums(run.head);
  if (!run.is_verified || !headers.HasRightChecksums(packet)) {
    return false;
  }
  const auto index = static_cast<std::uint8_t>(packet_count_++);
  next_[run.last] = index;
  run.last = index;
  ++run.count;
  run.id_step = *step;
  run.size += headers.payload_size;
  run.has_push = headers.has_push;
  run.is_open =
      !headers.has_push && headers.payload_size == run.headers.payload_size;
  return true;
}

VnetHeader Coalescer::Join(const Run& run, Bytes first) {
  if (run.count == 1) {
    return {};
  }
  const PlainHeaders& headers = run.headers;
  // It fits: Grow() has seen to it.
  static_cast<void>(SetIpLength(first, run.size));
  const Bytes segment = first.subspan(headers.transport);
  const std::size_t length = run.size - headers.transport;
  VnetHeader vnet{
      .flags = VnetHeader::kNeedsChecksum,
      .gso_type = VnetHeader::kUdp,
      .header_length = static_cast<std::uint16_t>(headers.size),
      .gso_size = static_cast<std::uint16_t>(headers.payload_size),
      .checksum_start = static_cast<std::uint16_t>(headers.transport),
      .checksum_offset = udp::kChecksum};
  if (headers.is_tcp) {
    vnet.gso_type = headers.is_v4 ? VnetHeader::kTcpV4 : VnetHeader::kTcpV6;
    vnet.checksum_offset = tcp::kChecksum;
    if (run.has_push) {
      segment[tcp::kFlags] |= tcp::kPsh;
    }
  } else {
    StoreBe(segment.subspan(udp::kLength), static_cast<std::uint16_t>(length));
  }
  StoreBe(segment.subspan(vnet.checksum_offset),
          PlainPseudoHeader(first, length).Folded());
  return vnet;
}

}  // namespace postern
