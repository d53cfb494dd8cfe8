// SPDX-License-Identifier: Apache-2.0
//
// Frames between the host under test and a neighbour on one Ethernet, as scapy
// 2.5.0 makes them (bytes(Ether(...)/...).hex()), and the means to break them:
//
//     the host       02:00:5e:10:00:01   192.0.2.9   2001:db8::9
//     the neighbour  02:00:5e:10:00:07   192.0.2.7   2001:db8::7

#ifndef POSTERN_TESTS_UNIT_WIRE_ETHERNET_FRAMES_H_
#define POSTERN_TESTS_UNIT_WIRE_ETHERNET_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/net/ip_address.h"
#include "tests/support/hex.h"
#include "wire/mac_address.h"

namespace postern {

using Octets = std::vector<std::uint8_t>;

inline constexpr std::size_t kFrameHeader =
    14;  // IEEE 802.3 3.1.1, with a type

inline IpAddress Ip(std::string_view text) {
  return IpAddress::Parse(text).value();
}

inline MacAddress Mac(std::string_view text) {
  return MacAddress::Parse(text).value();
}

inline const MacAddress kHost({0x02, 0x00, 0x5e, 0x10, 0x00, 0x01});
inline const MacAddress kNeighbour({0x02, 0x00, 0x5e, 0x10, 0x00, 0x07});
inline const MacAddress kMoved({0x02, 0x00, 0x5e, 0x10, 0x00, 0x77});

namespace frames {

// ARP(op=1, hwsrc=host, psrc="192.0.2.9", hwdst=0, pdst="192.0.2.7"), to all and
// to the neighbour alone.
inline constexpr const char* kArpQuestion =
    "ffffffffffff 02005e100001 0806 0001 0800 06 04 0001"
    "02005e100001 c0000209 000000000000 c0000207";
inline constexpr const char* kArpQuestionToOne =
    "02005e100007 02005e100001 0806 0001 0800 06 04 0001"
    "02005e100001 c0000209 000000000000 c0000207";

// ARP(op=2, hwsrc=neighbour, psrc="192.0.2.7", hwdst=host, pdst="192.0.2.9").
inline constexpr const char* kArpAnswer =
    "02005e100001 02005e100007 0806 0001 0800 06 04 0002"
    "02005e100007 c0000207 02005e100001 c0000209";

// ARP(op=1, hwsrc=neighbour, psrc="192.0.2.7", hwdst=0, pdst="192.0.2.9"), and
// the host's answer to it.
inline constexpr const char* kArpAsksHost =
    "ffffffffffff 02005e100007 0806 0001 0800 06 04 0001"
    "02005e100007 c0000207 000000000000 c0000209";
inline constexpr const char* kArpHostAnswers =
    "02005e100007 02005e100001 0806 0001 0800 06 04 0002"
    "02005e100001 c0000209 02005e100007 c0000207";

// ARP(op=1, hwsrc=neighbour, psrc="0.0.0.0", hwdst=0, pdst="192.0.2.9"): a probe
// (RFC 5227 1.1), and the answer.
inline constexpr const char* kArpProbe =
    "ffffffffffff 02005e100007 0806 0001 0800 06 04 0001"
    "02005e100007 00000000 000000000000 c0000209";
inline constexpr const char* kArpHostAnswersProbe =
    "02005e100007 02005e100001 0806 0001 0800 06 04 0002"
    "02005e100001 c0000209 02005e100007 00000000";

// ARP(op=1, psrc=pdst="192.0.2.9", hwdst=0) of the host: an announcement (RFC 5227
// 1.1); and of the neighbour: a conflict.
inline constexpr const char* kArpAnnouncement =
    "ffffffffffff 02005e100001 0806 0001 0800 06 04 0001"
    "02005e100001 c0000209 000000000000 c0000209";
inline constexpr const char* kArpConflict =
    "ffffffffffff 02005e100007 0806 0001 0800 06 04 0001"
    "02005e100007 c0000209 000000000000 c0000209";

// ICMPv6ND_NS(tgt="2001:db8::7") / ICMPv6NDOptSrcLLAddr(host), to the group and to
// the neighbour alone.
inline constexpr const char* kSolicitation =
    "3333ff000007 02005e100001 86dd 60000000 0020 3a ff"
    "20010db8000000000000000000000009 ff0200000000000000000001ff000007"
    "87 00 be04 00000000 20010db8000000000000000000000007 01 01 02005e100001";
inline constexpr const char* kSolicitationToOne =
    "02005e100007 02005e100001 86dd 60000000 0020 3a ff"
    "20010db8000000000000000000000009 20010db8000000000000000000000007"
    "87 00 8e50 00000000 20010db8000000000000000000000007 01 01 02005e100001";

// The same with a nonce (RFC 3971 5.3.2) and an option of a type for experiments
// in front.
inline constexpr const char* kSolicitationWithMore =
    "3333ff000007 02005e100001 86dd 60000000 0038 3a ff"
    "20010db8000000000000000000000009 ff0200000000000000000001ff000007"
    "87 00 d1e6 00000000 20010db8000000000000000000000007"
    "0e 01 6e6f6e636521 fd 02 666f75727465656e206f63746574"
    "01 01 02005e100001";

// ICMPv6ND_NS(tgt="2001:db8::9") of the neighbour: with its Ethernet address, to
// the group; without, to the host alone; from ::, who looks for a duplicate.
inline constexpr const char* kSolicitsHost =
    "3333ff000009 02005e100007 86dd 60000000 0020 3a ff"
    "20010db8000000000000000000000007 ff0200000000000000000001ff000009"
    "87 00 bdfc 00000000 20010db8000000000000000000000009 01 01 02005e100007";
inline constexpr const char* kSolicitsHostBare =
    "02005e100001 02005e100007 86dd 60000000 0018 3a ff"
    "20010db8000000000000000000000007 20010db8000000000000000000000009"
    "87 00 ef68 00000000 20010db8000000000000000000000009";
inline constexpr const char* kSeeksDuplicate =
    "3333ff000009 02005e100007 86dd 60000000 0018 3a ff"
    "00000000000000000000000000000000 ff0200000000000000000001ff000009"
    "87 00 4cdd 00000000 20010db8000000000000000000000009";

// ICMPv6ND_NA(S=1, O=1, tgt="2001:db8::7") / ICMPv6NDOptDstLLAddr(neighbour);
// S=1, O=0 without the option; R=1, O=1 to all nodes.
inline constexpr const char* kAdvertisement =
    "02005e100001 02005e100007 86dd 60000000 0020 3a ff"
    "20010db8000000000000000000000007 20010db8000000000000000000000009"
    "88 00 2c4a 60000000 20010db8000000000000000000000007 02 01 02005e100007";
inline constexpr const char* kAdvertisementBare =
    "02005e100001 02005e100007 86dd 60000000 0018 3a ff"
    "20010db8000000000000000000000007 20010db8000000000000000000000009"
    "88 00 ae6a 40000000 20010db8000000000000000000000007";
inline constexpr const char* kAdvertisementToAll =
    "333300000001 02005e100007 86dd 60000000 0020 3a ff"
    "20010db8000000000000000000000007 ff020000000000000000000000000001"
    "88 00 1b08 a0000000 20010db8000000000000000000000007 02 01 02005e100007";

// The host's own: S=1, O=1 to the neighbour; O=1 to all nodes. And the neighbour's
// claim of the host's address.
inline constexpr const char* kHostAdvertises =
    "02005e100007 02005e100001 86dd 60000000 0020 3a ff"
    "20010db8000000000000000000000009 20010db8000000000000000000000007"
    "88 00 2c4e 60000000 20010db8000000000000000000000009 02 01 02005e100001";
inline constexpr const char* kHostAdvertisesToAll =
    "333300000001 02005e100001 86dd 60000000 0020 3a ff"
    "20010db8000000000000000000000009 ff020000000000000000000000000001"
    "88 00 9b0a 20000000 20010db8000000000000000000000009 02 01 02005e100001";
// ICMPv6MLReport2 with one ICMPv6MLDMultAddrRec, behind RouterAlert and PadN.
inline constexpr const char* kListenerReport =
    "333300000016 02005e100001 86dd 60000000 0024 00 01"
    "00000000000000000000000000000000 ff020000000000000000000000000016"
    "3a 00 05020000 0100 8f 00 6f81 00000001"
    "04000000 ff0200000000000000000001ff000009";
inline constexpr const char* kConflict =
    "333300000001 02005e100007 86dd 60000000 0020 3a ff"
    "20010db8000000000000000000000009 ff020000000000000000000000000001"
    "88 00 9b04 20000000 20010db8000000000000000000000009 02 01 02005e100007";

// Ether(dst="01:80:c2:00:00:0e", type=0x88cc), LLDP.
inline constexpr const char* kLldp =
    "0180c200000e 02005e100007 88cc"
    "0207040200 5e1000070403 05657468060200780000";

}  // namespace frames

// What is behind the Ethernet header.
inline Octets Inside(std::string_view frame) {
  const Octets octets = Hex(frame);
  return {octets.begin() + kFrameHeader, octets.end()};
}

// An IPv6 packet of ICMPv6 whose length and checksum are again what RFC 8200 3
// and 8.1 define, after the test has changed something.
inline Octets Mended(Octets packet) {
  constexpr std::size_t kIp = 40;
  const std::size_t length = packet.size() - kIp;
  packet[4] = static_cast<std::uint8_t>(length >> 8);
  packet[5] = static_cast<std::uint8_t>(length);
  packet[kIp + 2] = packet[kIp + 3] = 0;
  std::uint32_t sum = static_cast<std::uint32_t>(length) + 58;
  for (std::size_t i = 8; i < packet.size(); ++i) {
    sum += i % 2 == 0 ? packet[i] * 256U : packet[i] * 1U;
  }
  while (sum > 0xffff) {
    sum = (sum & 0xffffU) + (sum >> 16U);
  }
  packet[kIp + 2] = static_cast<std::uint8_t>(~sum >> 8U);
  packet[kIp + 3] = static_cast<std::uint8_t>(~sum);
  return packet;
}

// An IP packet in a frame.
inline Octets Framed(const MacAddress& to, const MacAddress& from,
                     const Octets& packet) {
  const bool v4 = packet[0] >> 4U == 4;
  Octets frame(to.octets().begin(), to.octets().end());
  frame.insert(frame.end(), from.octets().begin(), from.octets().end());
  const Octets type = v4 ? Octets{0x08, 0x00} : Octets{0x86, 0xdd};
  frame.insert(frame.end(), type.begin(), type.end());
  frame.insert(frame.end(), packet.begin(), packet.end());
  return frame;
}

}  // namespace postern

#endif  // POSTERN_TESTS_UNIT_WIRE_ETHERNET_FRAMES_H_
