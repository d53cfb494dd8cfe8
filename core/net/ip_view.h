// SPDX-License-Identifier: Apache-2.0
//
// An IpView is a checked look at one whole IPv4 or IPv6 packet. Parse() proves
// all bounds once; after it no accessor can fail and nobody computes offsets.
//
//   IPv4   | header + options |                       payload |
//   IPv6   | header | HBH, DestOpt, Routing, Fragment | payload |
//          0        40                                ^ payload_offset()
//
// The IPv6 walk follows hop-by-hop, destination options, routing and fragment
// headers (core/net/ipv6_extensions.h; at most kMaxExtensionHeaders). AH and ESP
// end it: they are payload.
// The walk also ends behind the fragment header of a non-initial fragment.
// Octets behind the packet's own length (link padding) are not part of it;
// size() tells the packet's own length.
//
// A view keeps what the headers say of their own form; what stands in them at a
// fixed place, addresses and ports, it reads from the packet when it is asked:
// ask before the headers are moved or written over.
//
// Thread safety: a plain value; it borrows the octets.
// Cost: one pass over the headers, no allocation. A packet without options,
// extension headers and fragments is parsed inline, and its view stays in
// registers: cheaper to make anew than to hand on.

#ifndef POSTERN_CORE_NET_IP_VIEW_H_
#define POSTERN_CORE_NET_IP_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/bytes.h"
#include "core/drop_reason.h"
#include "core/flow/flow_key.h"
#include "core/net/ip_address.h"
#include "core/net/ipv6_extensions.h"
#include "core/net/plain_ip.h"
#include "core/net/protocols.h"
#include "core/net/transport_fields.h"

namespace postern {

class IpView {
 public:
  enum class Fragment : std::uint8_t { kWhole, kFirst, kLater };
  static constexpr std::size_t kMaxExtensionHeaders = kMaxIpv6ExtensionHeaders;

  // Errors: kTruncated, kBadIpVersion, kBadIpHeader, kBadIpOption (IPv4 option
  // lengths), kBadExtensionHeader, kTooManyHeaders.
  static Opinion<IpView> Parse(ConstBytes octets) {
    if (IsPlain<PlainIpv4>(octets)) [[likely]] {
      return OfPlainIpv4(octets);
    }
    return IsPlain<PlainIpv6>(octets) ? OfPlainIpv6(octets) : ParseAny(octets);
  }

  IpFamily family() const { return family_; }

  // Read from the packet, as the ports are.
  IpAddress source() const {
    return family_ == IpFamily::kV4
               ? IpAddress::FromV4(Ipv4().subspan<kSourceV4, kV4Size>())
               : IpAddress::FromV6(Ipv6().subspan<kSourceV6, kV6Size>());
  }

  IpAddress destination() const {
    return family_ == IpFamily::kV4
               ? IpAddress::FromV4(Ipv4().subspan<kDestinationV4, kV4Size>())
               : IpAddress::FromV6(Ipv6().subspan<kDestinationV6, kV6Size>());
  }

  // Octets of the whole packet by its own length field, at most 65575.
  std::size_t size() const { return size_; }

  // IHL * 4, or 40.
  std::size_t header_length() const { return header_length_; }

  // These octets.
  ConstBytes header() const { return octets_.first(header_length_); }

  // The protocol of what stands at payload_offset().
  std::uint8_t protocol() const { return protocol_; }

  // Where the octet stands that names protocol(): 9 in IPv4, 6 or the last
  // extension header's first octet in IPv6.
  std::size_t protocol_offset() const { return protocol_offset_; }

  std::size_t payload_offset() const { return payload_offset_; }

  // Where a transport-mode AH or ESP header goes in: in IPv6 behind
  // hop-by-hop, destination options that a routing header follows, and routing
  // header; before destination options that follow it or stand alone (RFC 4303
  // 3.1.1). insertion_protocol_offset() is the octet that must then name it.
  std::size_t insertion_offset() const { return insertion_offset_; }

  std::size_t insertion_protocol_offset() const {
    return insertion_protocol_offset_;
  }

  std::uint8_t insertion_protocol() const { return insertion_protocol_; }

  Fragment fragment() const { return fragment_; }

  // DSCP and ECN as one octet (the IPv4 TOS, the IPv6 traffic class).
  std::uint8_t traffic_class() const { return traffic_class_; }

  std::uint8_t hop_limit() const { return hop_limit_; }

  // The 5-tuple as seen from this host. The ports of TCP, UDP, UDP-Lite, SCTP
  // and DCCP are read when the packet has them; otherwise they are 0.
  // Errors: kBadTransportHeader when a whole packet or first fragment of these
  // protocols ends before its ports.
  Opinion<FlowKey> Key(Direction direction) const;

  // The packet, without what stands behind it.
  ConstBytes octets() const { return octets_.first(size_); }

  ConstBytes payload() const {
    return octets_.subspan(payload_offset_, size_ - payload_offset_);
  }

 private:
  static constexpr std::size_t kPortsSize = 4;  // source and destination

  static constexpr std::size_t kV4Size = IpAddress::kV4Octets;
  static constexpr std::size_t kV6Size = IpAddress::kV6Octets;
  static constexpr std::size_t kSourceV4 = ipv4::kAddresses;
  static constexpr std::size_t kSourceV6 = ipv6::kAddresses;
  static constexpr std::size_t kDestinationV4 = kSourceV4 + kV4Size;
  static constexpr std::size_t kDestinationV6 = kSourceV6 + kV6Size;

  // Of a packet without options, extension headers and fragments.
  struct Plain {
    IpFamily family;
    std::uint32_t size;
    std::uint16_t header_length;
    std::uint16_t protocol_offset;
    std::uint8_t traffic_class;
    std::uint8_t hop_limit;
  };

  IpView(ConstBytes octets, const Plain& plain)
      : octets_(octets),
        size_(plain.size),
        header_length_(plain.header_length),
        protocol_offset_(plain.protocol_offset),
        payload_offset_(plain.header_length),
        insertion_offset_(plain.header_length),
        insertion_protocol_offset_(plain.protocol_offset),
        protocol_(octets[plain.protocol_offset]),
        insertion_protocol_(protocol_),
        family_(plain.family),
        traffic_class_(plain.traffic_class),
        hop_limit_(plain.hop_limit) {}

  // The fixed headers: of sizes that are known, so that nothing is checked
  // again.
  using Ipv4Header = PlainIpv4::Header;
  using Ipv6Header = PlainIpv6::Header;

  Ipv4Header Ipv4() const { return octets_.first<ipv4::kHeaderSize>(); }

  Ipv6Header Ipv6() const { return octets_.first<kIpv6HeaderSize>(); }

  template <typename Plain>
  static bool IsPlain(ConstBytes octets) {
    if (octets.size() < Plain::kSize) {
      return false;
    }
    const auto header = octets.first<Plain::kSize>();
    const std::uint32_t size = Plain::SizeOf(header);
    return Plain::Begins(header) && size >= Plain::kSize &&
           size <= octets.size();
  }

  static std::uint8_t TrafficClassOf(Ipv6Header header) {
    return static_cast<std::uint8_t>(
        LoadBe<std::uint16_t>(header.subspan<0, 2>()) >> 4);
  }

  static IpView OfPlainIpv4(ConstBytes octets) {
    const Ipv4Header header = octets.first<ipv4::kHeaderSize>();
    return {octets,
            {.family = IpFamily::kV4,
             .size = PlainIpv4::SizeOf(header),
             .header_length = ipv4::kHeaderSize,
             .protocol_offset = ipv4::kProtocol,
             .traffic_class = header[ipv4::kTrafficClass],
             .hop_limit = header[ipv4::kHopLimit]}};
  }

  static IpView OfPlainIpv6(ConstBytes octets) {
    const Ipv6Header header = octets.first<kIpv6HeaderSize>();
    return {octets,
            {.family = IpFamily::kV6,
             .size = PlainIpv6::SizeOf(header),
             .header_length = kIpv6HeaderSize,
             .protocol_offset = ipv6::kNextHeader,
             .traffic_class = TrafficClassOf(header),
             .hop_limit = header[ipv6::kHopLimit]}};
  }

  explicit IpView(ConstBytes octets) : octets_(octets) {}

  // Everything else, and the reasons.
  static Opinion<IpView> ParseAny(ConstBytes octets);
  Passage ParseV4();
  Passage ParseV6();
  Passage WalkExtensions();
  Passage Note(const Ipv6Extension& extension);

  // Narrow, because a view is copied with every answer. No offset is beyond
  // 16 headers of 2 KiB; size_ may be 65575.
  ConstBytes octets_;
  std::uint32_t size_ = 0;
  std::uint16_t header_length_ = 0;
  std::uint16_t protocol_offset_ = 0;
  std::uint16_t payload_offset_ = 0;
  std::uint16_t insertion_offset_ = 0;
  std::uint16_t insertion_protocol_offset_ = 0;
  std::uint8_t protocol_ = 0;
  std::uint8_t insertion_protocol_ = 0;
  IpFamily family_ = IpFamily::kV4;
  Fragment fragment_ = Fragment::kWhole;
  std::uint8_t traffic_class_ = 0;
  std::uint8_t hop_limit_ = 0;
};

// Rewrites the length field to `size` (IPv4 total length with its checksum,
// IPv6 payload length) after octets were inserted or removed.
// REQUIRES: octets start with a header that Parse() accepted; size fits 16 bits
//   (checked: returns kTooBig otherwise).
Passage SetIpLength(Bytes octets, std::size_t size);

// Names another protocol at `protocol_offset`, and makes the length field that
// of all `octets`, after a header was inserted or removed. An IPv4 checksum
// moves by the difference (RFC 1624): one that was wrong stays wrong.
// REQUIRES: octets start with a header that Parse() accepted.
// Errors: kTooBig.
Passage RewriteIpHeader(Bytes octets, std::size_t protocol_offset,
                        std::uint8_t protocol);

// Recomputes the header checksum of an IPv4 header (RFC 791); no effect on
// IPv6. REQUIRES: as above.
void MendIpv4Checksum(Bytes octets);

}  // namespace postern

#endif  // POSTERN_CORE_NET_IP_VIEW_H_
