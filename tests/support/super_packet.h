// SPDX-License-Identifier: Apache-2.0
//
// Super-packets and the checksums of ordinary packets, by their definitions and
// not with the code under test.
//
//     SuperPacket super = Super(PacketBuilder(a, b).Tcp(1, 2, kAck, data), 1000);
//
// The packets are plain, or have IPv4 options or IPv6 extension headers.
//
// Thread safety: plain functions.

#ifndef POSTERN_TESTS_SUPPORT_SUPER_PACKET_H_
#define POSTERN_TESTS_SUPPORT_SUPER_PACKET_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/net/vnet_header.h"
#include "tests/support/packet_builder.h"

namespace postern {

struct SuperPacket {
  VnetHeader vnet;
  Octets octets;
};

// What a kernel would hand over to have this packet cut: its checksum field
// holds the pseudo-header's sum.
SuperPacket Super(Octets packet, std::uint16_t gso_size);

// Where TCP or UDP begins, and where its payload does.
std::size_t TransportOf(const Octets& packet);
std::size_t PayloadOf(const Octets& packet);

// Whether IPv4's checksum and TCP's or UDP's are what their definitions say.
bool ChecksumsAreRight(const Octets& packet);

// Makes them so.
void MendChecksums(Octets& packet);

std::uint16_t Get16(const Octets& octets, std::size_t at);
std::uint32_t Get32(const Octets& octets, std::size_t at);
void Put16(Octets& octets, std::size_t at, std::size_t value);
void Put32(Octets& octets, std::size_t at, std::size_t value);

// `count` octets that differ from their neighbours.
Octets Pattern(std::size_t count, unsigned seed = 0);

}  // namespace postern

#endif  // POSTERN_TESTS_SUPPORT_SUPER_PACKET_H_
