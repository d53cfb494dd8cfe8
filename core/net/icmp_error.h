// SPDX-License-Identifier: Apache-2.0
//
// ICMP errors (RFC 792, RFC 4443) and the flow of which they tell:
//
//     +-----------+---------------+--------------------------------- - -
//     | IP header | type code ... | the packet that caused it: its IP header
//     +-----------+---------------+ and at least eight octets more - - -
//                  8 octets
//
// The kernel reads quotations loosely: options and checksums do not matter to
// it, and in IPv6 it looks for ports behind AH, too. Whatever it might hand to a
// socket and we cannot tell to which is unclear.
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_CORE_NET_ICMP_ERROR_H_
#define POSTERN_CORE_NET_ICMP_ERROR_H_

#include <cstdint>
#include <optional>

#include "core/flow/flow_key.h"
#include "core/net/ip_view.h"

namespace postern {

// The ICMP or ICMPv6 type; nothing for other protocols, and where it cannot be
// seen.
std::optional<std::uint8_t> IcmpTypeOf(const IpView& packet);

// RFC 1122 3.2.2, RFC 4443 2.1.
bool IsIcmpError(const IpView& packet);

struct Quotation {
  enum class Kind : std::uint8_t {
    kNone,     // no ICMP error, or one about what has no ports
    kFlow,     // about `flow`
    kUnclear,  // about a flow that cannot be read
  };

  Kind kind = Kind::kNone;
  FlowKey flow;  // as seen from this host; of an error about what has no ports
                 // its ends and protocol
};

// `direction` is the error's own. Cost: a comparison, unless it is an error.
Quotation QuotationOf(const IpView& packet, Direction direction);

}  // namespace postern

#endif  // POSTERN_CORE_NET_ICMP_ERROR_H_
