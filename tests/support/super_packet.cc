// SPDX-License-Identifier: Apache-2.0

#include "tests/support/super_packet.h"

namespace postern {
namespace {

bool IsV4(const Octets& packet) {
  return packet[0] >> 4 == 4;
}

// The protocol behind IPv6 extension headers or in the IPv4 header.
std::uint8_t ProtocolOf(const Octets& packet) {
  if (IsV4(packet)) {
    return packet[9];
  }
  std::uint8_t next = packet[6];
  for (std::size_t at = 40; next != 6 && next != 17;) {
    next = packet[at];
    at += 8 + std::size_t{8} * packet[at + 1];
  }
  return next;
}

std::size_t ChecksumField(const Octets& packet) {
  return ProtocolOf(packet) == 6 ? 16 : 6;
}

std::uint16_t FoldedSum(std::uint32_t sum, const Octets& octets,
                        std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    const std::uint32_t octet = octets[i];
    sum += (i - begin) % 2 == 0 ? octet << 8 : octet;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(sum);
}

std::uint16_t PseudoSum(const Octets& packet) {
  const std::size_t length = packet.size() - TransportOf(packet);
  const std::uint32_t rest =
      static_cast<std::uint32_t>(length) + ProtocolOf(packet);
  return FoldedSum(rest, packet, IsV4(packet) ? 12 : 8, IsV4(packet) ? 20 : 40);
}

}  // namespace

SuperPacket Super(Octets packet, std::uint16_t gso_size) {
  const std::size_t transport = TransportOf(packet);
  const std::size_t field = ChecksumField(packet);
  const bool tcp = ProtocolOf(packet) == 6;
  VnetHeader vnet;
  vnet.flags = VnetHeader::kNeedsChecksum;
  vnet.gso_type = !tcp           ? VnetHeader::kUdp
                  : IsV4(packet) ? VnetHeader::kTcpV4
                                 : VnetHeader::kTcpV6;
  vnet.header_length = static_cast<std::uint16_t>(PayloadOf(packet));
  vnet.gso_size = gso_size;
  vnet.checksum_start = static_cast<std::uint16_t>(transport);
  vnet.checksum_offset = static_cast<std::uint16_t>(field);
  Put16(packet, transport + field, PseudoSum(packet));
  return {vnet, packet};
}

std::size_t TransportOf(const Octets& packet) {
  if (IsV4(packet)) {
    return std::size_t{4} * (packet[0] & 0x0f);
  }
  std::size_t at = 40;
  for (std::uint8_t next = packet[6]; next != 6 && next != 17;) {
    next = packet[at];
    at += 8 + std::size_t{8} * packet[at + 1];
  }
  return at;
}

std::size_t PayloadOf(const Octets& packet) {
  const std::size_t transport = TransportOf(packet);
  return transport + (ProtocolOf(packet) == 6
                          ? std::size_t{4} * (packet[transport + 12] >> 4)
                          : 8);
}

bool ChecksumsAreRight(const Octets& packet) {
  const std::size_t transport = TransportOf(packet);
  const bool header =
      !IsV4(packet) || FoldedSum(0, packet, 0, transport) == 0xffff;
  return header && FoldedSum(PseudoSum(packet), packet, transport,
                             packet.size()) == 0xffff;
}

void MendChecksums(Octets& packet) {
  const std::size_t transport = TransportOf(packet);
  if (IsV4(packet)) {
    Put16(packet, 10, 0);
    Put16(packet, 10, 0xffff & ~FoldedSum(0, packet, 0, transport));
  }
  const std::size_t field = transport + ChecksumField(packet);
  Put16(packet, field, 0);
  const std::size_t sum =
      0xffff & ~FoldedSum(PseudoSum(packet), packet, transport, packet.size());
  Put16(packet, field, sum == 0 && ProtocolOf(packet) == 17 ? 0xffff : sum);
}

std::uint16_t Get16(const Octets& octets, std::size_t at) {
  return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]);
}

std::uint32_t Get32(const Octets& octets, std::size_t at) {
  return static_cast<std::uint32_t>(Get16(octets, at)) << 16 |
         Get16(octets, at + 2);
}

void Put16(Octets& octets, std::size_t at, std::size_t value) {
  octets[at] = static_cast<std::uint8_t>(value >> 8);
  octets[at + 1] = static_cast<std::uint8_t>(value);
}

void Put32(Octets& octets, std::size_t at, std::size_t value) {
  Put16(octets, at, value >> 16);
  Put16(octets, at + 2, value);
}

Octets Pattern(std::size_t count, unsigned seed) {
  Octets octets(count);
  for (std::size_t i = 0; i < count; ++i) {
    octets[i] = static_cast<std::uint8_t>((i + seed) * 37 + (i >> 8));
  }
  return octets;
}

}  // namespace postern
