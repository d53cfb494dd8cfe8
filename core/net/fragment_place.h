// SPDX-License-Identifier: Apache-2.0
//
// Where a fragment belongs in its datagram (RFC 791 3.2, RFC 8200 4.5):
//
//   IPv4   | header, options |                  data |
//   IPv6   | header, HBH, routing | Fragment |  data |
//          0                      ^ header_size      ^ data_offset
//
// An atomic fragment (offset 0, nothing more: RFC 6946) is no fragment here, and
// its header is one like any other.
//
// Thread safety: a plain value. Cost: a walk over the headers.

#ifndef POSTERN_CORE_NET_FRAGMENT_PLACE_H_
#define POSTERN_CORE_NET_FRAGMENT_PLACE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "core/net/ip_view.h"

namespace postern {

struct FragmentPlace {
  std::uint32_t id = 0;
  std::size_t offset = 0;           // of the data in the datagram's, in octets
  bool has_more = false;            // others follow
  std::uint8_t protocol = 0;        // what the datagram's data begins with
  std::size_t header_size = 0;      // of what each fragment repeats
  std::size_t protocol_offset = 0;  // of the octet there that names `protocol`
                                    // (IPv6: the fragment header)
  std::size_t data_offset = 0;      // in this packet

  // Nothing when the packet is no fragment. `octets` is `view`'s packet.
  static std::optional<FragmentPlace> Of(const IpView& view, ConstBytes octets);
};

}  // namespace postern

#endif  // POSTERN_CORE_NET_FRAGMENT_PLACE_H_
