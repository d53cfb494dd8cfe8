// SPDX-License-Identifier: Apache-2.0

#include "wire/udp_framing.h"

#include "core/net/checksum.h"
#include "core/net/protocols.h"

namespace postern {
namespace {

constexpr std::uint8_t kEsp = Number(IpProtocol::kEsp);
constexpr std::size_t kEspHeaderOctets = 8;
constexpr std::uint8_t kTimeToLive = 64;
constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::uint16_t kFragmentBits = 0x3fff;  // MF and the offset

// The packet's ESP, whose header is where a header without options ends.
Opinion<EspPayload> PayloadOf(ConstBytes packet, std::size_t size,
                              ConstBytes destination) {
  const std::size_t header = destination.size() == 4 ? 20 : 40;
  if (size > packet.size() || size < header + kEspHeaderOctets) {
    return DropReason::kTruncated;
  }
  const ConstBytes octets = packet.first(size).subspan(header);
  if (LoadBe<std::uint32_t>(octets) == 0) {
    return DropReason::kSpiReserved;
  }
  return EspPayload{.octets = octets, .destination = destination};
}

Opinion<EspPayload> TakeOffV4(ConstBytes packet) {
  if (packet.size() < 20) {
    return DropReason::kTruncated;
  }
  constexpr std::uint8_t kNoOptions = 0x45;
  if (packet[9] != kEsp || packet[0] != kNoOptions) {
    return DropReason::kWireCarriesEspOnly;
  }
  if ((LoadBe<std::uint16_t>(packet.subspan(6)) & kFragmentBits) != 0) {
    return DropReason::kFragment;
  }
  Opinion<EspPayload> payload = PayloadOf(
      packet, LoadBe<std::uint16_t>(packet.subspan(2)), packet.subspan(16, 4));
  if (payload.ok()) {
    payload->traffic_class = packet[1];
  }
  return payload;
}

Opinion<EspPayload> TakeOffV6(ConstBytes packet) {
  if (packet.size() < 40) {
    return DropReason::kTruncated;
  }
  if (packet[6] != kEsp) {
    return DropReason::kWireCarriesEspOnly;
  }
  Opinion<EspPayload> payload = PayloadOf(
      packet, std::size_t{40} + LoadBe<std::uint16_t>(packet.subspan(4)),
      packet.subspan(24, 16));
  if (payload.ok()) {
    payload->traffic_class =
        static_cast<std::uint8_t>(LoadBe<std::uint16_t>(packet) >> 4U);
  }
  return payload;
}

}  // namespace

Opinion<EspPayload> TakeOffIpHeader(ConstBytes packet) {
  if (packet.empty()) {
    return DropReason::kTruncated;
  }
  switch (packet[0] >> 4U) {
    case 4:
      return TakeOffV4(packet);
    case 6:
      return TakeOffV6(packet);
    default:
      return DropReason::kBadIpVersion;
  }
}

RebuiltHeader::RebuiltHeader(const IpAddress& source,
                             const IpAddress& destination)
    : size_(IpHeaderOctets(source.family())) {
  const Bytes header(octets_);
  if (source.family() == IpFamily::kV4) {
    header[0] = 0x45;
    StoreBe<std::uint16_t>(header.subspan(6), kDontFragment);
    header[8] = kTimeToLive;
    header[9] = kEsp;
    CopyBytes(header.subspan(12), source.octets());
    CopyBytes(header.subspan(16), destination.octets());
    InternetSum sum;
    sum.Add(header.first(size_));
    sum_ = sum.Folded();
  } else {
    header[0] = 0x60;
    header[6] = kEsp;
    header[7] = kTimeToLive;
    CopyBytes(header.subspan(8), source.octets());
    CopyBytes(header.subspan(24), destination.octets());
  }
}

void RebuiltHeader::Write(Bytes packet, std::uint8_t traffic_class) const {
  CopyBytes(packet, ConstBytes(octets_).first(size_));
  if (size_ == 20) {
    const auto length = static_cast<std::uint16_t>(packet.size());
    packet[1] = traffic_class;
    StoreBe(packet.subspan(2), length);
    // RFC 1624: only what differs is added; two carries are the most.
    std::uint32_t sum = sum_ + traffic_class + length;
    sum = (sum & 0xffffU) + (sum >> 16U);
    sum = (sum & 0xffffU) + (sum >> 16U);
    StoreBe(packet.subspan(10), static_cast<std::uint16_t>(~sum & 0xffffU));
  } else {
    StoreBe(packet, static_cast<std::uint16_t>(0x6000 | traffic_class << 4));
    StoreBe(packet.subspan(4), static_cast<std::uint16_t>(packet.size() - 40));
  }
}

}  // namespace postern
