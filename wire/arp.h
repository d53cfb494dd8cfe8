// SPDX-License-Identifier: Apache-2.0
//
// ARP (RFC 826) for IPv4 on Ethernet:
//
//     0          2          4      5      6           8
//     | hardware | protocol | 6    | 4    | operation |
//     | sender's Ethernet address (6) and IPv4 address (4) |
//     | target's Ethernet address (6) and IPv4 address (4) |
//
// Thread safety: plain values and functions.

#ifndef POSTERN_WIRE_ARP_H_
#define POSTERN_WIRE_ARP_H_

#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/drop_reason.h"
#include "core/net/ip_address.h"
#include "wire/mac_address.h"

namespace postern {

struct ArpMessage {
  enum class Operation : std::uint16_t { kRequest = 1, kReply = 2 };

  Operation operation = Operation::kRequest;
  MacAddress sender_mac;
  IpAddress sender;       // 0.0.0.0: a probe (RFC 5227 1.1)
  MacAddress target_mac;  // of a request: nothing that counts
  IpAddress target;

  // What stands behind the Ethernet header; padding may follow.
  // Errors: kBadNeighbourMessage (another protocol, operation or size; a sender
  // whose Ethernet address no station can have).
  static Opinion<ArpMessage> Parse(ConstBytes message);

  // The whole frame.
  std::vector<std::uint8_t> Frame(const MacAddress& to) const;
};

}  // namespace postern

#endif  // POSTERN_WIRE_ARP_H_
