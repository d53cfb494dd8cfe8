// SPDX-License-Identifier: Apache-2.0

#include "core/flow/selector.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace postern {
namespace {

Error Unsupported(std::string message) {
  return {ErrorCode::kUnsupported, std::move(message)};
}

bool NamesPorts(const Selector& selector) {
  return !selector.source_port.any() || !selector.destination_port.any();
}

// The family of the addresses that a field names, when it is one.
std::optional<IpFamily> FamilyOf(const AddressSelector& selector) {
  return selector.ranges().empty()
             ? std::nullopt
             : std::optional(selector.ranges()[0].first.family());
}

bool HasTwoFamilies(const AddressSelector& selector) {
  return std::ranges::any_of(
      selector.ranges(), [&selector](const AddressRange& range) {
        return range.first.family() != range.last.family() ||
               range.first.family() != FamilyOf(selector);
      });
}

Status CheckFamilies(const Selector& selector) {
  const auto source = FamilyOf(selector.source);
  const auto destination = FamilyOf(selector.destination);
  const bool mixed =
      HasTwoFamilies(selector.source) || HasTwoFamilies(selector.destination);
  if (mixed || (source && destination && *source != *destination)) {
    return Invalid("selector.source is " + ToString(selector.source) +
                   " and selector.destination is " +
                   ToString(selector.destination) +
                   "; both must be IPv4 or both IPv6");
  }
  const bool v4 = source == IpFamily::kV4 || destination == IpFamily::kV4;
  if (selector.protocol.opaque() && v4) {
    return Invalid(
        "selector.protocol is opaque with IPv4 addresses; an IPv4 packet "
        "always shows its protocol, so name it or leave it out");
  }
  if (selector.source.opaque() || selector.destination.opaque()) {
    return Invalid("an address is never opaque; name it or leave it out");
  }
  return Ok();
}

// Whether each protocol that is named has what `has` tells of.
bool AllHave(const ProtocolSelector& protocols, bool (*has)(std::uint8_t)) {
  return std::ranges::all_of(
      protocols.ranges(), [has](const ProtocolSelector::Range& range) {
        for (unsigned number = range.first; number <= range.last; ++number) {
          if (!has(static_cast<std::uint8_t>(number))) {
            return false;
          }
        }
        return true;
      });
}

std::string Numbers(const ProtocolSelector& protocols) {
  std::string text;
  for (const ProtocolSelector::Range& range : protocols.ranges()) {
    text += text.empty() ? "" : ",";
    text += std::to_string(range.first);
    if (range.first != range.last) {
      text += "-" + std::to_string(range.last);
    }
  }
  return text;
}

Status CheckProtocols(const Selector& selector) {
  const bool ports = NamesPorts(selector);
  if (!ports && selector.message.any()) {
    return Ok();
  }
  const std::string what = ports ? "a port" : "a message type";
  if (selector.protocol.ranges().empty()) {
    return Invalid(
        "selector.protocol is ANY, but " + what +
        " is given; it must name the protocol that it belongs to, such as " +
        (ports ? "6 (TCP)" : "1 (ICMP)"));
  }
  if (ports && !selector.message.any()) {
    return Unsupported(
        "ports and message types are both given, and no protocol has both; "
        "leave one of them out");
  }
  if (!AllHave(selector.protocol, ports ? HasPorts : HasMessages)) {
    return Unsupported("selector.protocol is " + Numbers(selector.protocol) +
                       ", which has no " +
                       (ports ? "ports, but a port is given; the ports"
                              : "message types, but one is given; they") +
                       " must be ANY");
  }
  return Ok();
}

template <typename T, typename Write>
std::string ListOf(const FieldSelector<T>& selector, const Write& write) {
  if (selector.ranges().empty()) {
    return selector.any() ? "any" : "opaque";
  }
  std::string text;
  for (const ValueRange<T>& range : selector.ranges()) {
    text += text.empty() ? "" : ",";
    text += write(range);
  }
  return text;
}

// The prefix that holds these addresses and no other.
std::optional<IpPrefix> PrefixOf(const AddressRange& range) {
  for (unsigned length = 0; length <= BitsOf(range.first.family()); ++length) {
    const IpPrefix prefix(range.first, length);
    if (RangeOf(prefix) == range) {
      return prefix;
    }
  }
  return std::nullopt;
}

}  // namespace

Fit Selector::Judge(const Traffic& traffic, Direction direction) const {
  const bool outbound = direction == Direction::kOutbound;
  const FlowKey& key = traffic.key;
  Fit fit = std::min(source.Judge(outbound ? key.local : key.remote),
                     destination.Judge(outbound ? key.remote : key.local));
  if (!protocol.any()) {
    fit = std::min(fit, protocol.Judge(traffic.protocol()));
  }
  const bool is_known = traffic.protocol().has_value();
  if (NamesPorts(*this) && (HasPorts(key.protocol) || !is_known)) {
    const auto local = traffic.local_port();
    const auto remote = traffic.remote_port();
    fit = std::min({fit, source_port.Judge(outbound ? local : remote),
                    destination_port.Judge(outbound ? remote : local)});
  }
  if (!message.any() && (HasMessages(key.protocol) || !is_known)) {
    fit = std::min(fit, message.Judge(traffic.message()));
  }
  return fit;
}

std::optional<FlowKey> Selector::OnlyFlow() const {
  const auto from = source.only();
  const auto to = destination.only();
  const auto number = protocol.only();
  const auto from_port = source_port.only();
  const auto to_port = destination_port.only();
  if (!from || !to || !number || !HasPorts(*number) || !from_port || !to_port) {
    return std::nullopt;
  }
  return FlowKey{*from, *to, *from_port, *to_port, *number};
}

Status Validate(const Selector& selector) {
  if (Status families = CheckFamilies(selector); !families.ok()) {
    return families;
  }
  return CheckProtocols(selector);
}

std::string ToString(const AddressRange& range) {
  const std::optional<IpPrefix> prefix = PrefixOf(range);
  return prefix ? prefix->ToString()
                : range.first.ToString() + "-" + range.last.ToString();
}

std::string ToString(const AddressSelector& selector) {
  return ListOf(selector,
                [](const AddressRange& range) { return ToString(range); });
}

std::string ToString(const PortSelector& selector) {
  return ListOf(selector, [](const PortSelector::Range& range) {
    return range.first == range.last
               ? std::to_string(range.first)
               : std::to_string(range.first) + "-" + std::to_string(range.last);
  });
}

std::string ToString(const Selector& selector) {
  std::string text;
  const auto add = [&text](std::string_view name, const auto& field,
                           const std::string& value) {
    if (!field.any()) {
      text += text.empty() ? "" : " ";
      text += std::string(name) + "=" + value;
    }
  };
  add("source", selector.source, ToString(selector.source));
  add("destination", selector.destination, ToString(selector.destination));
  add("protocol", selector.protocol,
      selector.protocol.opaque() ? "opaque" : Numbers(selector.protocol));
  add("source_port", selector.source_port, ToString(selector.source_port));
  add("destination_port", selector.destination_port,
      ToString(selector.destination_port));
  add("message", selector.message, ToString(selector.message));
  return text.empty() ? "any" : text;
}

}  // namespace postern
