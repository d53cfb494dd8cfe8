// SPDX-License-Identifier: Apache-2.0

#include "wire/arp.h"

#include <cstddef>

#include "wire/ethernet.h"

namespace postern {
namespace {

constexpr std::uint16_t kEthernet = 1;  // the hardware
constexpr std::size_t kMessageSize = 28;

}  // namespace

Opinion<ArpMessage> ArpMessage::Parse(ConstBytes message) {
  if (message.size() < kMessageSize) {
    return DropReason::kBadNeighbourMessage;
  }
  Reader in(message.first(kMessageSize));
  const auto hardware = in.Read<std::uint16_t>();
  const auto protocol = in.Read<std::uint16_t>();
  const auto sizes = in.Read<std::uint16_t>();
  const auto operation = in.Read<std::uint16_t>();
  const auto sender_mac = in.Take(MacAddress::kOctets);
  const auto sender = in.Take(IpAddress::kV4Octets);
  const auto target_mac = in.Take(MacAddress::kOctets);
  const auto target = in.Take(IpAddress::kV4Octets);
  constexpr auto kIpv4 = static_cast<std::uint16_t>(EtherType::kIpv4);
  constexpr std::uint16_t kSizes =
      MacAddress::kOctets << 8U | IpAddress::kV4Octets;
  if (hardware != kEthernet || protocol != kIpv4 || sizes != kSizes ||
      operation < 1 || operation > 2) {
    return DropReason::kBadNeighbourMessage;
  }
  const ArpMessage parsed{.operation = Operation{*operation},
                          .sender_mac = MacAddress::FromOctets(*sender_mac),
                          .sender = IpAddress::FromOctets(*sender),
                          .target_mac = MacAddress::FromOctets(*target_mac),
                          .target = IpAddress::FromOctets(*target)};
  if (!parsed.sender_mac.is_station() || parsed.sender.is_multicast()) {
    return DropReason::kBadNeighbourMessage;
  }
  return parsed;
}

std::vector<std::uint8_t> ArpMessage::Frame(const MacAddress& to) const {
  std::vector<std::uint8_t> frame(kEthernetHeaderSize + kMessageSize);
  const EthernetHeader header{to, sender_mac, EtherType::kArp};
  header.Write(frame);
  Writer out(Bytes(frame).subspan(kEthernetHeaderSize));
  out.Write(kEthernet);
  out.Write(static_cast<std::uint16_t>(EtherType::kIpv4));
  out.Write(static_cast<std::uint8_t>(MacAddress::kOctets));
  out.Write(static_cast<std::uint8_t>(IpAddress::kV4Octets));
  out.Write(static_cast<std::uint16_t>(operation));
  out.Put(sender_mac.octets());
  out.Put(sender.octets());
  out.Put(target_mac.octets());
  out.Put(target.octets());
  return frame;
}

}  // namespace postern
