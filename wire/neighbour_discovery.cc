// SPDX-License-Identifier: Apache-2.0

#include "wire/neighbour_discovery.h"

#include <array>
#include <cstddef>

#include "core/net/checksum.h"
#include "core/net/ipv6_extensions.h"
#include "core/net/protocols.h"
#include "wire/ethernet.h"

namespace postern {
namespace {

constexpr std::uint8_t kHopLimit = 255;  // so that no router forwarded it
constexpr std::size_t kFixedSize = 24;   // up to the options
constexpr std::size_t kTargetAt = 8;
constexpr std::size_t kOptionUnit = 8;
constexpr std::size_t kMacOptionSize = 8;

constexpr std::uint8_t OptionOf(NeighbourMessage::Type type) {
  return type == NeighbourMessage::Type::kSolicitation ? 1 : 2;
}

// Finds the Ethernet address among the options. Errors: one without a length, or
// cut off.
Opinion<std::optional<MacAddress>> ReadOptions(ConstBytes options,
                                               std::uint8_t wanted) {
  std::optional<MacAddress> found;
  while (!options.empty()) {
    const std::size_t size = options.size() < 2 ? 0 : options[1] * kOptionUnit;
    if (size == 0 || size > options.size()) {
      return DropReason::kBadNeighbourMessage;
    }
    if (options[0] == wanted) {
      found = MacAddress::FromOctets(options.subspan(2));
      if (size != kMacOptionSize || !found->is_station()) {
        return DropReason::kBadNeighbourMessage;
      }
    }
    options = options.subspan(size);
  }
  return found;
}

// What RFC 4861 7.1 asks of the addresses and options together.
bool IsConsistent(const NeighbourMessage& message) {
  if (message.target.is_multicast() || message.source.is_multicast()) {
    return false;
  }
  if (message.type == NeighbourMessage::Type::kAdvertisement) {
    return !message.destination.is_multicast() ||
           !message.has(NeighbourMessage::kSolicited);
  }
  return !message.source.is_unspecified() ||
         (!message.mac &&
          message.destination == SolicitedNodeGroup(message.target));
}

bool IsLaterFragment(const Ipv6Extension& extension) {
  constexpr std::uint16_t kOffset = 0xfff8;
  return extension.type == Number(IpProtocol::kFragment) &&
         (LoadBe<std::uint16_t>(extension.octets.subspan(2)) & kOffset) != 0;
}

}  // namespace

bool NeighbourMessage::IsOne(ConstBytes packet) {
  return packet.size() > kIpv6HeaderSize &&
         packet[6] == Number(IpProtocol::kIcmpv6) &&
         (packet[kIpv6HeaderSize] ==
              static_cast<std::uint8_t>(Type::kSolicitation) ||
          packet[kIpv6HeaderSize] ==
              static_cast<std::uint8_t>(Type::kAdvertisement));
}

Opinion<NeighbourMessage> NeighbourMessage::Parse(ConstBytes packet) {
  const ConstBytes icmp = packet.subspan(kIpv6HeaderSize);
  if (icmp.size() < kFixedSize || packet[7] != kHopLimit || icmp[1] != 0 ||
      LoadBe<std::uint16_t>(packet.subspan(4)) != icmp.size()) {
    return DropReason::kBadNeighbourMessage;
  }
  NeighbourMessage message{
      .type = Type{icmp[0]},
      .flags = icmp[4],
      .source = IpAddress::FromOctets(packet.subspan(8, 16)),
      .destination = IpAddress::FromOctets(packet.subspan(24, 16)),
      .target = IpAddress::FromOctets(icmp.subspan(kTargetAt, 16)),
      .mac = std::nullopt};
  const auto mac =
      ReadOptions(icmp.subspan(kFixedSize), OptionOf(message.type));
  if (!mac.ok()) {
    return mac.error();
  }
  message.mac = *mac;
  const bool intact = TransportChecksum(message.source, message.destination,
                                        Number(IpProtocol::kIcmpv6), icmp) == 0;
  if (!intact || !IsConsistent(message)) {
    return DropReason::kBadNeighbourMessage;
  }
  return message;
}

std::vector<std::uint8_t> NeighbourMessage::Frame(const MacAddress& from,
                                                  const MacAddress& to) const {
  const std::size_t size = kFixedSize + (mac ? kMacOptionSize : 0);
  std::vector<std::uint8_t> frame(kEthernetHeaderSize + kIpv6HeaderSize + size);
  const EthernetHeader header{to, from, EtherType::kIpv6};
  header.Write(frame);
  constexpr std::uint32_t kVersion6 = 6U << 28U;
  Writer out(Bytes(frame).subspan(kEthernetHeaderSize));
  out.Write(kVersion6);
  out.Write(static_cast<std::uint16_t>(size));
  out.Write(Number(IpProtocol::kIcmpv6));
  out.Write(kHopLimit);
  out.Put(source.octets());
  out.Put(destination.octets());
  out.Write(static_cast<std::uint8_t>(type));
  out.Write(std::uint8_t{0});
  out.Write(std::uint16_t{0});  // the checksum
  out.Write(std::uint32_t{flags} << 24U);
  out.Put(target.octets());
  if (mac) {
    out.Write(OptionOf(type));
    out.Write(std::uint8_t{1});
    out.Put(mac->octets());
  }
  const Bytes icmp =
      Bytes(frame).subspan(kEthernetHeaderSize + kIpv6HeaderSize);
  StoreBe(icmp.subspan(2),
          TransportChecksum(source, destination, Number(IpProtocol::kIcmpv6),
                            icmp));
  return frame;
}

bool IsOtherDiscovery(ConstBytes packet) {
  if (packet.size() < kIpv6HeaderSize) {
    return false;
  }
  Ipv6Extensions walk(packet);
  for (auto next = walk.Next(); next.ok() && *next; next = walk.Next()) {
    if (IsLaterFragment(**next)) {
      return false;  // what follows is the middle of something
    }
  }
  if (walk.protocol() != Number(IpProtocol::kIcmpv6) ||
      walk.offset() >= packet.size()) {
    return false;
  }
  constexpr std::uint8_t kFirst = 133;  // a router's solicitation
  constexpr std::uint8_t kLast = 137;   // a redirect
  const std::uint8_t type = packet[walk.offset()];
  return type >= kFirst && type <= kLast && !NeighbourMessage::IsOne(packet);
}

IpAddress SolicitedNodeGroup(const IpAddress& address) {
  const ConstBytes octets = address.octets();
  const std::array<std::uint8_t, 16> group = {
      0xff, 0x02, 0, 0, 0,    0,          0,          0,
      0,    0,    0, 1, 0xff, octets[13], octets[14], octets[15]};
  return IpAddress::FromV6(group);
}

IpAddress AllNodesGroup() {
  constexpr std::array<std::uint8_t, 16> kGroup = {
      0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return IpAddress::FromV6(kGroup);
}

}  // namespace postern
