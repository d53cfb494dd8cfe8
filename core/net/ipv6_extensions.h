// SPDX-License-Identifier: Apache-2.0
//
// Two walks over what stands between an IPv6 header and its payload
// (RFC 8200 4): Ipv6Extensions over the extension headers, Ipv6Options over
// the options inside one hop-by-hop or destination options header.
//
//     | IPv6 header | hop-by-hop | routing | dest. options | payload
//     0             40                                     ^ offset()
//
//     Ipv6Extensions walk(packet);
//     for (;;) {
//       const Opinion<std::optional<Ipv6Extension>> next = walk.Next();
//       if (!next.ok()) { return next.error(); }
//       if (!next->has_value()) { break; }
//       ... (*next)->type, (*next)->octets ...
//     }
//     ... walk.protocol() stands at walk.offset() ...
//
// The walk follows hop-by-hop, destination options, routing and fragment
// headers; anything else, AH and ESP too, is payload and ends it. So does the
// fragment header of a non-initial fragment: what follows it is the middle of
// something.
//
// Every step moves forward by at least eight octets (one, among options) and
// never past the end.
//
// Thread safety: plain values; they borrow the octets. No allocation.

#ifndef POSTERN_CORE_NET_IPV6_EXTENSIONS_H_
#define POSTERN_CORE_NET_IPV6_EXTENSIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "core/drop_reason.h"
#include "core/net/protocols.h"

namespace postern {

inline constexpr std::size_t kIpv6HeaderSize = 40;
inline constexpr std::size_t kMaxIpv6ExtensionHeaders = 16;

// Whether a header of this number is an extension that the walk follows.
constexpr bool IsIpv6Extension(std::uint8_t protocol) {
  return protocol == Number(IpProtocol::kHopByHop) ||
         protocol == Number(IpProtocol::kDestinationOptions) ||
         protocol == Number(IpProtocol::kRouting) ||
         protocol == Number(IpProtocol::kFragment);
}

struct Ipv6Extension {
  std::uint8_t type = 0;            // its protocol number
  std::size_t offset = 0;           // of its first octet, in the packet
  std::size_t protocol_offset = 0;  // of the octet that names it
  ConstBytes octets;                // the whole header

  // The protocol number of what follows it.
  std::uint8_t next() const { return octets[0]; }
};

class Ipv6Extensions {
 public:
  // REQUIRES: packet.size() >= kIpv6HeaderSize; it ends where the packet's own
  //   payload length says. Only octet 6 of the IPv6 header is read.
  explicit Ipv6Extensions(ConstBytes packet);

  // The next extension header; nothing when the payload is reached.
  // Errors: kBadExtensionHeader: a header is cut off, or a hop-by-hop header
  // does not stand first; kTooManyHeaders: there are more than
  // kMaxIpv6ExtensionHeaders.
  Opinion<std::optional<Ipv6Extension>> Next();

  // What stands at offset(), and where that is named. When Next() returned
  // nothing this is the payload.
  std::uint8_t protocol() const { return protocol_; }

  std::size_t offset() const { return offset_; }

  std::size_t protocol_offset() const { return protocol_offset_; }

 private:
  ConstBytes packet_;
  std::uint8_t protocol_;
  std::size_t offset_ = kIpv6HeaderSize;
  std::size_t protocol_offset_ = 6;
  std::size_t count_ = 0;
  bool ended_ = false;  // behind a non-initial fragment's header
};

// RFC 8200 4.2.
//
//        0        1        2                    2 + length
//     +--------+--------+-------- ... --------+
//     |  type  | length |        data         |     Pad1 (0) is one octet
//     +--------+--------+-------- ... --------+
struct Ipv6Option {
  std::uint8_t type = 0;
  std::size_t offset = 0;  // of the type octet, in the extension header
  ConstBytes octets;       // the whole option, type and length included

  // Whether the data may change on the way (the third highest bit of type).
  bool may_change() const { return (type & 0x20) != 0; }

  // The octets behind type and length.
  ConstBytes data() const {
    return octets.size() > 2 ? octets.subspan(2) : ConstBytes();
  }
};

class Ipv6Options {
 public:
  // `header` is a whole hop-by-hop or destination options header.
  // REQUIRES: header.size() >= 2.
  explicit Ipv6Options(ConstBytes header) : header_(header) {}

  // The next option; nothing behind the last.
  // Errors: kBadExtensionHeader: the length is missing or reaches past the
  // header's end. After an error the walk is over.
  Opinion<std::optional<Ipv6Option>> Next();

 private:
  ConstBytes header_;
  std::size_t offset_ = 2;
};

// Walks over all options. REQUIRES: as Ipv6Options. Errors:
// kBadExtensionHeader.
Passage CheckIpv6Options(ConstBytes header);

}  // namespace postern

#endif  // POSTERN_CORE_NET_IPV6_EXTENSIONS_H_
