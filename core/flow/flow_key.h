// SPDX-License-Identifier: Apache-2.0
//
// A FlowKey is a packet's 5-tuple seen from this host: local and remote, not
// source and destination. The two directions of one conversation therefore
// have the same key.
//
// Where a packet has no ports (ICMP, ESP, a non-initial fragment) both are 0.
//
// Thread safety: a plain value.

#ifndef POSTERN_CORE_FLOW_FLOW_KEY_H_
#define POSTERN_CORE_FLOW_FLOW_KEY_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "core/net/ip_address.h"
#include "core/net/protocols.h"

namespace postern {

// Which way a packet goes, seen from this host.
enum class Direction : std::uint8_t { kOutbound, kInbound };

struct FlowKey {
  IpAddress local;
  IpAddress remote;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  std::uint8_t protocol = 0;

  friend auto operator<=>(const FlowKey&, const FlowKey&) = default;
};

// "tcp 10.9.0.1:4711 > 10.9.0.2:80", for logs and JSON.
std::string ToString(const FlowKey& key);

struct FlowKeyHash {
  // Keyed with a per-process random value, so that a peer cannot choose
  // colliding 5-tuples.
  std::size_t operator()(const FlowKey& key) const;
};

}  // namespace postern

template <>
struct std::hash<postern::FlowKey> : postern::FlowKeyHash {};

#endif  // POSTERN_CORE_FLOW_FLOW_KEY_H_
