// SPDX-License-Identifier: Apache-2.0

#include "tests/support/packet_builder.h"

#include <cstdlib>
#include <span>
#include <utility>

namespace postern {
namespace {

void Put16(Octets& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void Append(Octets& out, std::span<const std::uint8_t> more) {
  out.insert(out.end(), more.begin(), more.end());
}

std::uint16_t OnesComplement(const Octets& octets) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const std::uint32_t octet = octets[i];
    sum += i % 2 == 0 ? octet << 8 : octet;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum);
}

void Set16(Octets& octets, std::size_t at, std::uint16_t value) {
  octets[at] = static_cast<std::uint8_t>(value >> 8);
  octets[at + 1] = static_cast<std::uint8_t>(value & 0xff);
}

}  // namespace

PacketBuilder::PacketBuilder(std::string_view source,
                             std::string_view destination)
    : source_(IpAddress::Parse(source).value()),
      destination_(IpAddress::Parse(destination).value()) {
  if (source_.family() != destination_.family()) {
    std::abort();
  }
}

PacketBuilder& PacketBuilder::HopLimit(std::uint8_t limit) {
  hop_limit_ = limit;
  return *this;
}

PacketBuilder& PacketBuilder::TrafficClass(std::uint8_t octet) {
  traffic_class_ = octet;
  return *this;
}

PacketBuilder& PacketBuilder::DontFragment() {
  fragment_ |= 0x4000;
  return *this;
}

PacketBuilder& PacketBuilder::MoreFragments() {
  fragment_ |= 0x2000;
  return *this;
}

PacketBuilder& PacketBuilder::FragmentOffset(std::uint16_t eights) {
  fragment_ = static_cast<std::uint16_t>((fragment_ & 0xe000) | eights);
  return *this;
}

PacketBuilder& PacketBuilder::Ipv4Options(Octets options) {
  options_ = std::move(options);
  options_.resize((options_.size() + 3) / 4 * 4);
  return *this;
}

PacketBuilder& PacketBuilder::Extension(std::uint8_t type, Octets header) {
  header.resize((header.size() + 7) / 8 * 8);
  extensions_.push_back({type, std::move(header)});
  return *this;
}

Octets PacketBuilder::Tcp(std::uint16_t source_port,
                          std::uint16_t destination_port, std::uint8_t flags,
                          const Octets& data) const {
  Octets segment;
  Put16(segment, source_port);
  Put16(segment, destination_port);
  Append(segment, Octets{0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags});
  Put16(segment, 65000);
  Append(segment, Octets{0, 0, 0, 0});
  Append(segment, data);
  Set16(segment, 16, Sum(6, segment));
  return Raw(6, segment);
}

Octets PacketBuilder::Udp(std::uint16_t source_port,
                          std::uint16_t destination_port,
                          const Octets& data) const {
  Octets datagram;
  Put16(datagram, source_port);
  Put16(datagram, destination_port);
  Put16(datagram, 8 + data.size());
  Put16(datagram, 0);
  Append(datagram, data);
  const std::uint16_t sum = Sum(17, datagram);
  Set16(datagram, 6, sum == 0 ? 0xffff : sum);
  return Raw(17, datagram);
}

Octets PacketBuilder::IcmpEcho(std::uint16_t id, std::uint16_t sequence) const {
  const bool v4 = source_.family() == IpFamily::kV4;
  Octets message = {static_cast<std::uint8_t>(v4 ? 8 : 128), 0, 0, 0};
  Put16(message, id);
  Put16(message, sequence);
  Set16(message, 2, v4 ? OnesComplement(message) : Sum(58, message));
  return Raw(v4 ? 1 : 58, message);
}

Octets PacketBuilder::Raw(std::uint8_t protocol, const Octets& payload) const {
  return source_.family() == IpFamily::kV4 ? Ipv4(protocol, payload)
                                           : Ipv6(protocol, payload);
}

Octets PacketBuilder::Ipv4(std::uint8_t protocol, const Octets& payload) const {
  const std::size_t header = 20 + options_.size();
  Octets packet = {static_cast<std::uint8_t>(0x40 | (header / 4)),
                   traffic_class_};
  Put16(packet, header + payload.size());
  Put16(packet, 0x1234);
  Put16(packet, fragment_);
  Append(packet, Octets{hop_limit_, protocol, 0, 0});
  Append(packet, source_.octets());
  Append(packet, destination_.octets());
  Append(packet, options_);
  Set16(packet, 10, OnesComplement(packet));
  Append(packet, payload);
  return packet;
}

Octets PacketBuilder::Ipv6(std::uint8_t protocol, const Octets& payload) const {
  Octets body;
  for (std::size_t i = 0; i < extensions_.size(); ++i) {
    Octets header = extensions_[i].octets;
    header[0] = i + 1 < extensions_.size() ? extensions_[i + 1].type : protocol;
    header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
    Append(body, header);
  }
  Append(body, payload);

  Octets packet = {static_cast<std::uint8_t>(0x60 | (traffic_class_ >> 4)),
                   static_cast<std::uint8_t>((traffic_class_ & 0x0f) << 4), 0,
                   0};
  Put16(packet, body.size());
  packet.push_back(extensions_.empty() ? protocol : extensions_[0].type);
  packet.push_back(hop_limit_);
  Append(packet, source_.octets());
  Append(packet, destination_.octets());
  Append(packet, body);
  return packet;
}

std::uint16_t PacketBuilder::Sum(std::uint8_t protocol,
                                 const Octets& segment) const {
  Octets pseudo;
  Append(pseudo, source_.octets());
  Append(pseudo, destination_.octets());
  Put16(pseudo, segment.size() >> 16);
  Put16(pseudo, segment.size() & 0xffff);
  Append(pseudo, Octets{0, protocol});
  Append(pseudo, segment);
  return OnesComplement(pseudo);
}

}  // namespace postern
