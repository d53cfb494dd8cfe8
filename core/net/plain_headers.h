// SPDX-License-Identifier: Apache-2.0
//
// A look at the headers of a TCP or UDP packet that has nothing besides: no IP
// options, extension headers, fragments, nor octets behind its end. Only such
// packets are joined (core/net/coalescer.h), and nearly all are such.
//
// Thread safety: plain functions.
// Cost: some ten loads; the checksums are a pass over the packet.

#ifndef POSTERN_CORE_NET_PLAIN_HEADERS_H_
#define POSTERN_CORE_NET_PLAIN_HEADERS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "core/net/checksum.h"

namespace postern {

struct PlainHeaders {
  bool is_v4 = false;
  bool is_tcp = false;
  bool has_push = false;
  bool may_join = false;      // with others of its flow, as far as it can tell
  std::size_t transport = 0;  // where TCP or UDP begins
  std::size_t size = 0;       // of both headers
  std::size_t payload_size = 0;
  std::uint32_t tag = 0;  // a hash: the same in all of a flow

  // Nothing if the packet is not such a one. What is returned lies within it.
  static std::optional<PlainHeaders> Parse(ConstBytes packet);

  // Whether the checksums of this packet are right: IPv4's and TCP's or UDP's.
  // REQUIRES: Parse(packet) gave these headers.
  bool HasRightChecksums(ConstBytes packet) const;

  // Whether two packets are of one flow. REQUIRES: Parse() took both.
  static bool SameFlow(ConstBytes a, ConstBytes b);
};

// Of the pseudo-header of a packet that Parse() took, with this length of
// transport header and payload.
InternetSum PlainPseudoHeader(ConstBytes packet, std::size_t length);

}  // namespace postern

#endif  // POSTERN_CORE_NET_PLAIN_HEADERS_H_
