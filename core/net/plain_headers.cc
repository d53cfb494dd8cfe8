// SPDX-License-Identifier: Apache-2.0

#include "core/net/plain_headers.h"

#include <algorithm>
#include <cstring>

#include "core/net/ipv6_extensions.h"
#include "core/net/protocols.h"
#include "core/net/transport_fields.h"

namespace postern {
namespace {

std::uint16_t Word16(ConstBytes octets, std::size_t at) {
  return LoadBe<std::uint16_t>(octets.subspan(at));
}

bool IsV4(ConstBytes packet) {
  return packet[0] >> 4 == 4;
}

ConstBytes AddressesOf(ConstBytes packet) {
  return IsV4(packet) ? packet.subspan(ipv4::kAddresses, 8)
                      : packet.subspan(ipv6::kAddresses, 32);
}

std::uint8_t ProtocolOf(ConstBytes packet) {
  return packet[IsV4(packet) ? ipv4::kProtocol : ipv6::kNextHeader];
}

ConstBytes PortsOf(ConstBytes packet) {
  return packet.subspan(IsV4(packet) ? ipv4::kHeaderSize : kIpv6HeaderSize, 4);
}

std::uint32_t TagOf(ConstBytes packet) {
  std::uint64_t mixed = LoadBe<std::uint32_t>(PortsOf(packet));
  for (ConstBytes rest = AddressesOf(packet); !rest.empty();
       rest = rest.subspan(sizeof(std::uint64_t))) {
    std::uint64_t word = 0;
    std::memcpy(&word, rest.data(), sizeof(word));
    mixed = (mixed ^ word) * 0x9e3779b97f4a7c15;
    mixed ^= mixed >> 32;
  }
  return static_cast<std::uint32_t>(mixed);
}

bool IsPlainIp(ConstBytes packet) {
  if (packet.size() >= kIpv6HeaderSize && packet[0] >> 4 == 6) {
    return Word16(packet, ipv6::kLength) == packet.size() - kIpv6HeaderSize;
  }
  return packet.size() >= ipv4::kHeaderSize && packet[0] == 0x45 &&
         Word16(packet, ipv4::kLength) == packet.size() &&
         (Word16(packet, ipv4::kFragment) & ~ipv4::kDontFragment) == 0;
}

bool TakeTcp(ConstBytes segment, PlainHeaders& headers) {
  if (segment.size() < tcp::kHeaderSize) {
    return false;
  }
  const std::size_t length = tcp::HeaderLength(segment);
  if (length < tcp::kHeaderSize || length > segment.size()) {
    return false;
  }
  headers.size = headers.transport + length;
  headers.payload_size = segment.size() - length;
  headers.has_push = (segment[tcp::kFlags] & tcp::kPsh) != 0;
  const bool only_acknowledges =
      (segment[tcp::kFlags] & ~tcp::kPsh) == tcp::kAck &&
      (segment[tcp::kDataOffset] & 0x0f) == 0;  // reserved, or RFC 9768
  headers.may_join = headers.payload_size > 0 && only_acknowledges;
  return true;
}

bool TakeUdp(ConstBytes datagram, PlainHeaders& headers) {
  if (datagram.size() < udp::kHeaderSize) {
    return false;
  }
  headers.size = headers.transport + udp::kHeaderSize;
  headers.payload_size = datagram.size() - udp::kHeaderSize;
  headers.may_join = headers.payload_size > 0 &&
                     Word16(datagram, udp::kLength) == datagram.size() &&
                     Word16(datagram, udp::kChecksum) != 0;
  return true;
}

bool Equal(ConstBytes a, ConstBytes b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

std::optional<PlainHeaders> PlainHeaders::Parse(ConstBytes packet) {
  if (!IsPlainIp(packet)) {
    return std::nullopt;
  }
  const std::uint8_t protocol = ProtocolOf(packet);
  PlainHeaders headers;
  headers.is_v4 = IsV4(packet);
  headers.is_tcp = protocol == Number(IpProtocol::kTcp);
  headers.transport = headers.is_v4 ? ipv4::kHeaderSize : kIpv6HeaderSize;
  const ConstBytes segment = packet.subspan(headers.transport);
  const bool taken = headers.is_tcp ? TakeTcp(segment, headers)
                                    : protocol == Number(IpProtocol::kUdp) &&
                                          TakeUdp(segment, headers);
  if (!taken) {
    return std::nullopt;
  }
  headers.tag = TagOf(packet);
  return headers;
}

bool PlainHeaders::HasRightChecksums(ConstBytes packet) const {
  if (is_v4 && InternetChecksum(packet.first(transport)) != 0) {
    return false;
  }
  const ConstBytes segment = packet.subspan(transport);
  InternetSum sum = PlainPseudoHeader(packet, segment.size());
  sum.Add(segment);
  return sum.Checksum() == 0;
}

bool PlainHeaders::SameFlow(ConstBytes a, ConstBytes b) {
  return IsV4(a) == IsV4(b) && ProtocolOf(a) == ProtocolOf(b) &&
         Equal(PortsOf(a), PortsOf(b)) && Equal(AddressesOf(a), AddressesOf(b));
}

InternetSum PlainPseudoHeader(ConstBytes packet, std::size_t length) {
  InternetSum sum;
  sum.Add(AddressesOf(packet));
  sum.AddWord(ProtocolOf(packet));
  sum.AddWord(static_cast<std::uint16_t>(length));
  return sum;
}

}  // namespace postern
