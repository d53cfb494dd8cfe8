// SPDX-License-Identifier: Apache-2.0

#include "core/net/sender_error.h"

#include <algorithm>

#include "core/net/checksum.h"
#include "core/net/icmp_error.h"
#include "core/net/protocols.h"

namespace postern {
namespace {

constexpr std::size_t kIpv4HeaderSize = 20;
constexpr std::size_t kIcmpHeaderSize = 8;
constexpr std::size_t kMostIpv4 = 576;   // RFC 1812 4.3.2.3
constexpr std::size_t kMostIpv6 = 1280;  // RFC 4443 2.4 (c)
constexpr std::uint8_t kHopLimit = 64;

void WriteIpv4Header(const IpView& about, Bytes packet) {
  Writer header(packet.first(kIpv4HeaderSize));
  header.Write(std::uint16_t{0x4500});
  header.Write(static_cast<std::uint16_t>(packet.size()));
  header.Write(std::uint32_t{0});  // never a fragment: no identification
  header.Write(kHopLimit);
  header.Write(Number(IpProtocol::kIcmp));
  header.Write(std::uint16_t{0});
  header.Put(about.destination().octets());
  header.Put(about.source().octets());
  MendIpv4Checksum(packet);
}

void WriteIpv6Header(const IpView& about, Bytes packet) {
  Writer header(packet.first(kIpv6HeaderSize));
  header.Write(std::uint32_t{0x60000000});
  header.Write(static_cast<std::uint16_t>(packet.size() - kIpv6HeaderSize));
  header.Write(Number(IpProtocol::kIcmpv6));
  header.Write(kHopLimit);
  header.Put(about.destination().octets());
  header.Put(about.source().octets());
}

// Type and code, and what stands behind the checksum.
struct Message {
  std::uint16_t kind;
  std::uint32_t word;
};

Packet MakeError(const Packet& packet, const IpView& view,
                 const Message& told) {
  const bool v4 = view.family() == IpFamily::kV4;
  const std::size_t before =
      (v4 ? kIpv4HeaderSize : kIpv6HeaderSize) + kIcmpHeaderSize;
  const std::size_t quoted =
      std::min(view.size(), (v4 ? kMostIpv4 : kMostIpv6) - before);
  Packet error = packet.TakeSibling(before + quoted);
  if (!error) {
    return error;
  }
  const Bytes octets = error.bytes();
  const Bytes icmp = octets.subspan(before - kIcmpHeaderSize);
  Writer message(icmp);
  message.Write(told.kind);
  message.Write(std::uint16_t{0});
  message.Write(told.word);
  message.Put(packet.bytes().first(quoted));
  if (v4) {
    WriteIpv4Header(view, octets);
    StoreBe(icmp.subspan(2), InternetChecksum(icmp));
  } else {
    WriteIpv6Header(view, octets);
    StoreBe(icmp.subspan(2),
            TransportChecksum(view.destination(), view.source(),
                              Number(IpProtocol::kIcmpv6), icmp));
  }
  return error;
}

}  // namespace

bool MayBeToldOf(const IpView& packet) {
  return packet.fragment() != IpView::Fragment::kLater &&
         !IsIcmpError(packet) && !packet.destination().is_multicast() &&
         !packet.source().is_multicast() && !packet.source().is_unspecified();
}

Packet MakeTooBigError(const Packet& packet, const IpView& view,
                       std::size_t mtu_octets) {
  const bool v4 = view.family() == IpFamily::kV4;
  return MakeError(packet, view,
                   {v4 ? std::uint16_t{0x0304} : std::uint16_t{0x0200},
                    static_cast<std::uint32_t>(mtu_octets)});
}

Packet MakeUndeliveredError(const Packet& packet, const IpView& view,
                            Undelivered why) {
  const bool prohibited = why == Undelivered::kProhibited;
  const std::uint16_t kind = view.family() == IpFamily::kV4
                                 ? (prohibited ? 0x030d : 0x0301)
                                 : (prohibited ? 0x0101 : 0x0103);
  return MakeError(packet, view, {kind, 0});
}

}  // namespace postern
