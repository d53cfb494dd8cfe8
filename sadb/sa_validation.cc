// SPDX-License-Identifier: Apache-2.0
//
// Validate(), in the order of the fields: identity, addresses, algorithms and
// keys, numbers, lifetimes, selector. The first refusal is the answer.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "sadb/sa_algorithms.h"
#include "sadb/sa_parameters.h"

namespace postern {
namespace {

Error Unsupported(std::string message) {
  return {ErrorCode::kUnsupported, std::move(message)};
}

Status CheckKinds(const SaParameters& sa) {
  if (sa.protocol != IpsecProtocol::kEsp && sa.protocol != IpsecProtocol::kAh) {
    return Unsupported("protocol is " +
                       std::to_string(static_cast<unsigned>(sa.protocol)) +
                       "; it must be 50 (ESP) or 51 (AH)");
  }
  if (sa.mode != IpsecMode::kTransport && sa.mode != IpsecMode::kTunnel &&
      sa.mode != IpsecMode::kBeet) {
    return Unsupported("mode is number " +
                       std::to_string(static_cast<unsigned>(sa.mode)) +
                       "; it must be transport, tunnel or beet");
  }
  if (static_cast<std::size_t>(sa.encryption) >= AllEncryptions().size()) {
    return Unsupported("encryption is number " +
                       std::to_string(static_cast<unsigned>(sa.encryption)) +
                       ", which we do not have; it must be one we have, such "
                       "as \"aes-gcm-16\"");
  }
  if (static_cast<std::size_t>(sa.integrity) >= AllIntegrities().size()) {
    return Unsupported("integrity is number " +
                       std::to_string(static_cast<unsigned>(sa.integrity)) +
                       ", which we do not have; it must be one we have, such "
                       "as \"hmac-sha2-256-128\"");
  }
  return Ok();
}

// SAD-06, SAD-07.
Status CheckSpi(Spi spi) {
  if (Number(spi) == 0) {
    return Invalid(
        "spi is 0, which never stands in a packet; it must be 256 or more");
  }
  if (Number(spi) < kFirstFreeSpi) {
    return Invalid("spi is " + std::to_string(Number(spi)) +
                   "; 1 to 255 are reserved (RFC 4303 2.1), it must be 256 or "
                   "more");
  }
  return Ok();
}

Status CheckAddress(std::string_view field, const IpAddress& address) {
  const std::string has = std::string(field) + " is " + address.ToString();
  if (address.is_unspecified()) {
    return Invalid(has + "; it must be the address of one host");
  }
  if (address.is_multicast()) {
    return Unsupported(has +
                       ", a multicast group; we protect unicast only, it must "
                       "be the address of one host");
  }
  if (address.Unmapped() != address) {
    return Invalid(has + "; write the IPv4 address itself, " +
                   address.Unmapped().ToString());
  }
  return Ok();
}

Status CheckAddresses(const SaParameters& sa) {
  if (Status source = CheckAddress("source", sa.source); !source.ok()) {
    return source;
  }
  if (Status destination = CheckAddress("destination", sa.destination);
      !destination.ok()) {
    return destination;
  }
  if (sa.source.family() != sa.destination.family()) {  // SAD-16
    return Invalid("source is " + sa.source.ToString() +
                   " and destination is " + sa.destination.ToString() +
                   "; both must be IPv4 or both IPv6");
  }
  return Ok();
}

// RFC 3948 1: an ICV of AH covers the addresses that a NAT changes.
Status CheckEncapsulation(const SaParameters& sa) {
  if (!sa.encapsulation) {
    return sa.keepalive ? Status(Invalid(
                              "keepalives are wanted, but udp is not set; they "
                              "keep open what a NAT opened for UDP"))
                        : Ok();
  }
  if (sa.protocol != IpsecProtocol::kEsp) {
    return Unsupported(
        "udp is set, but the protocol is ah, which cannot pass a NAT; leave "
        "udp away, or make this an SA of the protocol esp");
  }
  if (sa.encapsulation->source == 0 || sa.encapsulation->destination == 0) {
    return Invalid("a port of udp is 0; both must be 1 to 65535, such as " +
                   std::to_string(kIkeNatPort));
  }
  return Ok();
}

Status CheckWindow(const SaParameters& sa) {
  if (sa.replay_window > kMaxReplayWindow) {
    return Invalid("replay_window is " + std::to_string(sa.replay_window) +
                   " packets; it must be at most " +
                   std::to_string(kMaxReplayWindow));
  }
  if (sa.replay_window == 0 && sa.numbers == SequenceNumbers::kExtended) {
    // AH-49, RPL-18: without a window nothing tells the upper half.
    return Invalid(
        "replay_window is 0 with extended sequence numbers; it must be at "
        "least 1, or numbers 32-bit");
  }
  return Ok();
}

// In transport mode the packets' addresses are the SA's own; a selector that
// leaves them out would match nothing.
Status CheckTransportEnd(std::string_view field,
                         const AddressSelector& selector,
                         const IpAddress& end) {
  if (selector.Judge(end) == Fit::kYes) {
    return Ok();
  }
  return Invalid("selector." + std::string(field) + " is " +
                 ToString(selector) + "; in transport mode it must contain " +
                 "the SA's " + std::string(field) + ", " + end.ToString());
}

Status CheckBeetEnd(const std::string& field, const AddressSelector& selector) {
  const std::optional<IpAddress> only = selector.only();
  return only ? CheckAddress(field, *only)
              : Status(Invalid(field + " is " + ToString(selector) +
                               "; in beet mode it must be one address, that "
                               "which packets have inside"));
}

// RFC 7402 appendix B: ESP alone. The outer header is made of the packet's own,
// and the packet's of the outer one again: what the SA wrote would come to be the
// packet's.
Status CheckBeet(const SaParameters& sa) {
  if (sa.protocol != IpsecProtocol::kEsp) {
    return Unsupported(
        "mode is beet, but the protocol is ah, which would cover a header that "
        "is not sent; make this an SA of the protocol esp");
  }
  const SaParameters usual;
  if (sa.dont_fragment != usual.dont_fragment || sa.dscp != usual.dscp ||
      sa.hop_limit != usual.hop_limit || sa.flow_label != usual.flow_label) {
    return Invalid(
        "mode is beet, in which the outer header has the packet's own flags, "
        "DSCP, hop limit and flow label; leave dont_fragment, dscp, hop_limit "
        "and flow_label away");
  }
  const Status source = CheckBeetEnd("selector.source", sa.selector.source);
  return source.ok()
             ? CheckBeetEnd("selector.destination", sa.selector.destination)
             : source;
}

Status CheckSelector(const SaParameters& sa) {
  if (Status meant = Validate(sa.selector); !meant.ok()) {
    return meant;
  }
  if (sa.mode == IpsecMode::kBeet) {
    return CheckBeet(sa);
  }
  if (sa.mode != IpsecMode::kTransport) {
    return Ok();
  }
  Status source = CheckTransportEnd("source", sa.selector.source, sa.source);
  return source.ok() ? CheckTransportEnd("destination", sa.selector.destination,
                                         sa.destination)
                     : source;
}

struct NamedBound {
  std::string_view name;
  std::optional<std::uint64_t> soft;
  std::optional<std::uint64_t> hard;
};

Status CheckBound(const NamedBound& bound) {
  const std::string name(bound.name);
  if (bound.soft == std::uint64_t{0} || bound.hard == std::uint64_t{0}) {
    return Invalid((bound.soft == std::uint64_t{0} ? "soft." : "hard.") + name +
                   " is 0, which no packet could keep; it must be 1 or more, "
                   "or absent");
  }
  if (bound.soft && bound.hard && *bound.soft > *bound.hard) {
    return Invalid("soft." + name + " is " + std::to_string(*bound.soft) +
                   ", beyond hard." + name + ", " +
                   std::to_string(*bound.hard) +
                   "; it must not be larger than that");
  }
  return Ok();
}

// What the outer header and TFC padding are like.
Status CheckTunnel(const SaParameters& sa) {
  constexpr unsigned kMostDscp = 63;
  const bool is_esp_tunnel =
      sa.protocol == IpsecProtocol::kEsp && sa.mode == IpsecMode::kTunnel;
  if (sa.tfc_pad_to != 0 && !is_esp_tunnel) {
    return Invalid(
        "tfc_pad_to is set, but only the inner packet of an ESP tunnel tells "
        "its own length; leave it away");
  }
  if (sa.tfc_pad_to > kMostTfcOctets) {
    return Invalid("tfc_pad_to is " + std::to_string(sa.tfc_pad_to) +
                   " octets; it must be at most " +
                   std::to_string(kMostTfcOctets));
  }
  if (sa.hop_limit == 0) {
    return Invalid(
        "hop_limit is 0, with which no packet gets anywhere; it "
        "must be 1 or more");
  }
  return sa.dscp_value > kMostDscp
             ? Status(Invalid("dscp is " + std::to_string(sa.dscp_value) +
                              "; it must be at most 63"))
             : Ok();
}

Status CheckDummies(const SaParameters& sa) {
  if (!sa.dummies) {
    return Ok();
  }
  if (sa.protocol != IpsecProtocol::kEsp) {
    return Unsupported(
        "dummy packets are wanted, but the protocol is ah, which has none; "
        "leave them away, or make this an SA of the protocol esp");
  }
  if (sa.direction != Direction::kOutbound) {
    return Invalid(
        "dummy packets are wanted of an inbound SA, but only who sends makes "
        "them; leave them away");
  }
  if (sa.dummies->interval < kLeastDummyInterval) {
    return Invalid("dummy packets are wanted more often than every 10 ms");
  }
  const std::uint32_t octets = sa.dummies->octets;
  if (octets != 0 && (octets < kLeastDummyOctets || octets > kMostTfcOctets)) {
    return Invalid("a dummy packet is to have " + std::to_string(octets) +
                   " octets; it must be " + std::to_string(kLeastDummyOctets) +
                   " to " + std::to_string(kMostTfcOctets));
  }
  return Ok();
}

// The draft's level UNIQUE speaks of the SA "for outbound traffic" (1.2.2).
Status CheckOwner(const SaParameters& parameters) {
  if (parameters.owner && parameters.direction == Direction::kInbound) {
    return Invalid(
        "owner is set, but the SA is inbound; only an outbound SA can be one "
        "socket's alone, so leave it away");
  }
  return Ok();
}

// Negative time is as useless as none.
std::optional<std::uint64_t> Nanoseconds(const std::optional<Duration>& time) {
  if (!time.has_value()) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(
      std::max<Duration::rep>(time->count(), Duration::rep{0}));
}

}  // namespace

Status ValidateLifetimes(const Lifetime& soft, const Lifetime& hard) {
  const std::array<NamedBound, 3> bounds = {{
      {"octets", soft.octets, hard.octets},
      {"packets", soft.packets, hard.packets},
      {"time (ns)", Nanoseconds(soft.time), Nanoseconds(hard.time)},
  }};
  for (const NamedBound& bound : bounds) {
    if (Status checked = CheckBound(bound); !checked.ok()) {
      return checked;
    }
  }
  return Ok();
}

Status Validate(const SaParameters& parameters) {
  if (Status kinds = CheckKinds(parameters); !kinds.ok()) {
    return kinds;
  }
  if (Status spi = CheckSpi(parameters.spi); !spi.ok()) {
    return spi;
  }
  if (Status addresses = CheckAddresses(parameters); !addresses.ok()) {
    return addresses;
  }
  if (Status algorithms = CheckAlgorithms(parameters); !algorithms.ok()) {
    return algorithms;
  }
  if (Status udp = CheckEncapsulation(parameters); !udp.ok()) {
    return udp;
  }
  if (Status window = CheckWindow(parameters); !window.ok()) {
    return window;
  }
  Status lifetimes = ValidateLifetimes(parameters.soft, parameters.hard);
  if (!lifetimes.ok()) {
    return lifetimes;
  }
  Status cap = CheckCap(parameters, parameters.soft, parameters.hard);
  if (!cap.ok()) {
    return cap;
  }
  if (Status owner = CheckOwner(parameters); !owner.ok()) {
    return owner;
  }
  if (Status tunnel = CheckTunnel(parameters); !tunnel.ok()) {
    return tunnel;
  }
  if (Status dummies = CheckDummies(parameters); !dummies.ok()) {
    return dummies;
  }
  return CheckSelector(parameters);
}

}  // namespace postern
