// SPDX-License-Identifier: Apache-2.0
//
// A Selector says which packets are meant: those of an SA (RFC 4301 4.4.2.1), or
// of a rule (4.4.1). Each field is ANY unless it is set. In tunnel mode it is the
// inner packet's fields that count.
//
// It is written as a packet's own source and destination. `direction` says how to
// read it: a rule for both ways, which is written as its outbound packets are, is
// always read as outbound, with the local end as the source.
//
// Ports bind only packets of protocols that have ports, messages only ICMP, ICMPv6
// and Mobility Headers.
//
// Thread safety: plain values.

#ifndef POSTERN_CORE_FLOW_SELECTOR_H_
#define POSTERN_CORE_FLOW_SELECTOR_H_

#include <optional>
#include <string>

#include "core/error.h"
#include "core/flow/field_selector.h"
#include "core/flow/traffic.h"

namespace postern {

struct Selector {
  AddressSelector source{};
  AddressSelector destination{};
  ProtocolSelector protocol{};
  PortSelector source_port{};
  PortSelector destination_port{};
  MessageSelector message{};

  // The least certain field decides.
  Fit Judge(const Traffic& traffic, Direction direction) const;

  // What may be another packet does not match (RFC 4301 4.4.1.1).
  bool Matches(const Traffic& traffic, Direction direction) const {
    return Judge(traffic, direction) == Fit::kYes;
  }

  bool any() const {
    return source.any() && destination.any() && protocol.any() &&
           source_port.any() && destination_port.any() && message.any();
  }

  // Whether there may be a packet that matches both.
  bool Overlaps(const Selector& other) const {
    return source.Overlaps(other.source) &&
           destination.Overlaps(other.destination) &&
           protocol.Overlaps(other.protocol) &&
           source_port.Overlaps(other.source_port) &&
           destination_port.Overlaps(other.destination_port) &&
           message.Overlaps(other.message);
  }

  // The only outbound 5-tuple that matches, when there is only one.
  std::optional<FlowKey> OnlyFlow() const;

  friend bool operator==(const Selector&, const Selector&) = default;
};

// What an administrator cannot mean: addresses of two families (SEL-01), ports or
// messages without protocols that have them (SEL-09, SEL-13), OPAQUE for a
// protocol over IPv4 (SEL-02). Errors: kInvalid, kUnsupported.
Status Validate(const Selector& selector);

// "10.0.0.0/8,192.0.2.3-192.0.2.10", "any", "opaque".
std::string ToString(const AddressSelector& selector);
std::string ToString(const AddressRange& range);
// "80,1000-2000".
std::string ToString(const PortSelector& selector);
// "source=10.0.0.0/8 protocol=6 destination_port=80"; what is ANY is left out,
// "any" when that is everything. For people and logs.
std::string ToString(const Selector& selector);

}  // namespace postern

#endif  // POSTERN_CORE_FLOW_SELECTOR_H_
