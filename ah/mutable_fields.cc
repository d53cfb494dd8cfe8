// SPDX-License-Identifier: Apache-2.0

#include "ah/mutable_fields.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/net/ipv4_options.h"
#include "core/net/ipv6_extensions.h"
#include "core/net/protocols.h"

namespace postern::ah {
namespace {

constexpr std::size_t kIpv4HeaderSize = 20;
constexpr std::size_t kIpv4AddressSize = 4;
constexpr std::size_t kIpv4DestinationOffset = 16;
constexpr std::size_t kIpv6AddressSize = 16;
constexpr std::size_t kIpv6DestinationOffset = 24;

constexpr std::array kCoveredIpv4Options = {
    Ipv4OptionType::kEndOfList,
    Ipv4OptionType::kNoOperation,
    Ipv4OptionType::kSecurity,
    Ipv4OptionType::kExtendedSecurity,
    Ipv4OptionType::kCommercialSecurity,
    Ipv4OptionType::kRouterAlert,
    Ipv4OptionType::kSenderDirectedMulticast,
};

void Zero(Bytes octets) {
  std::fill(octets.begin(), octets.end(), std::uint8_t{0});
}

bool IsSourceRoute(std::uint8_t type) {
  return type == Number(Ipv4OptionType::kLooseSourceRoute) ||
         type == Number(Ipv4OptionType::kStrictSourceRoute);
}

// The last hop of a source route that has not been reached yet; nothing when
// the packet has arrived.
//
//     | type | length | pointer | hop | hop | ... | hop |
Opinion<std::optional<ConstBytes>> FinalHop(ConstBytes option) {
  constexpr std::size_t kHopsOffset = 3;
  constexpr std::size_t kPointerOffset = 2;
  if (option.size() < kHopsOffset ||
      (option.size() - kHopsOffset) % kIpv4AddressSize != 0) {
    return DropReason::kBadIpOption;
  }
  const std::size_t pointer = option[kPointerOffset];  // counts from 1
  if (pointer <= kHopsOffset ||
      (pointer - 1 - kHopsOffset) % kIpv4AddressSize != 0) {
    return DropReason::kBadIpOption;
  }
  if (pointer > option.size()) {
    return std::optional<ConstBytes>();
  }
  return std::optional(option.last(kIpv4AddressSize));
}

// A packet has at most one source route (RFC 791 3.1); `routed` remembers it.
Passage ArriveSourceRoute(ConstBytes option, bool& routed, Bytes header) {
  const Opinion<std::optional<ConstBytes>> hop = FinalHop(option);
  if (!hop.ok() || std::exchange(routed, true)) {
    return DropReason::kBadIpOption;
  }
  if (hop->has_value()) {
    CopyBytes(header.subspan(kIpv4DestinationOffset), **hop);
  }
  return Pass();
}

// What the ICV covers of one option.
Passage CoverIpv4Option(const Ipv4Option& option, bool& routed, Bytes header) {
  if (IsSourceRoute(option.type)) {
    const Passage arrived = ArriveSourceRoute(option.octets, routed, header);
    if (!arrived.ok()) {
      return arrived;
    }
  }
  if (!CoversIpv4Option(option.type)) {
    Zero(header.subspan(kIpv4HeaderSize + option.offset, option.octets.size()));
  }
  return Pass();
}

Passage CoverIpv4Options(Bytes header) {
  bool routed = false;
  Ipv4Options walk(header.subspan(kIpv4HeaderSize));
  for (;;) {
    const Opinion<std::optional<Ipv4Option>> next = walk.Next();
    if (!next.ok()) {
      return next.error();
    }
    if (!next->has_value()) {
      return Pass();
    }
    const Passage covered = CoverIpv4Option(**next, routed, header);
    if (!covered.ok()) {
      return covered;
    }
  }
}

Passage CoverIpv4(Bytes header) {
  header[1] = 0;                // DSCP and ECN
  Zero(header.subspan(6, 2));   // flags and fragment offset
  header[8] = 0;                // TTL
  Zero(header.subspan(10, 2));  // checksum
  return CoverIpv4Options(header);
}

Passage ZeroMutableIpv6Options(Bytes extension) {
  Ipv6Options walk(extension);
  for (;;) {
    const Opinion<std::optional<Ipv6Option>> next = walk.Next();
    if (!next.ok()) {
      return next.error();
    }
    if (!next->has_value()) {
      return Pass();
    }
    const Ipv6Option& option = **next;
    if (option.may_change()) {
      const std::size_t size = option.data().size();
      Zero(
          extension.subspan(option.offset + option.octets.size() - size, size));
    }
  }
}

// Walks the segments that are left, as the routers on the way will: each swaps
// the packet's destination with the next address (RFC 2460 4.4).
//
//     | next | length | type | segments left | 0 0 0 0 | address | ...
Passage ArriveRoutingHeader(Bytes extension, Bytes destination) {
  constexpr std::size_t kTypeOffset = 2;
  constexpr std::size_t kSegmentsOffset = 3;
  constexpr std::size_t kAddressesOffset = 8;
  constexpr std::uint8_t kSourceRoute = 0;
  constexpr std::uint8_t kHomeAddress = 2;  // RFC 6275 6.4
  const std::size_t left = extension[kSegmentsOffset];
  if (left == 0) {
    return Pass();
  }
  const std::uint8_t type = extension[kTypeOffset];
  const Bytes addresses = extension.subspan(kAddressesOffset);
  const std::size_t count = addresses.size() / kIpv6AddressSize;
  if ((type != kSourceRoute && type != kHomeAddress) ||
      addresses.size() % kIpv6AddressSize != 0 || left > count) {
    return DropReason::kBadExtensionHeader;
  }
  for (std::size_t i = count - left; i < count; ++i) {
    const Bytes address =
        addresses.subspan(i * kIpv6AddressSize, kIpv6AddressSize);
    std::swap_ranges(address.begin(), address.end(), destination.begin());
  }
  extension[kSegmentsOffset] = 0;
  return Pass();
}

// Takes a fragment header out, as reassembly would have done (RFC 4302 A2).
ConstBytes WithoutFragmentHeader(Bytes lead, const Ipv6Extension& fragment) {
  constexpr std::size_t kLengthOffset = 4;
  const std::size_t size = fragment.octets.size();
  const auto length = LoadBe<std::uint16_t>(lead.subspan(kLengthOffset));
  StoreBe(lead.subspan(kLengthOffset),
          static_cast<std::uint16_t>(length - size));
  lead[fragment.protocol_offset] = fragment.next();
  CopyBytes(lead.subspan(fragment.offset),
            lead.subspan(fragment.offset + size));
  return lead.first(lead.size() - size);
}

// What the ICV covers of one extension header. A fragment header is only
// remembered: taking it out would pull the ground from under the walk.
Passage CoverExtension(const Ipv6Extension& extension, Bytes lead,
                       std::optional<Ipv6Extension>& fragment) {
  const Bytes octets = lead.subspan(extension.offset, extension.octets.size());
  switch (static_cast<IpProtocol>(extension.type)) {
    case IpProtocol::kHopByHop:
    case IpProtocol::kDestinationOptions:
      return ZeroMutableIpv6Options(octets);
    case IpProtocol::kRouting:
      return ArriveRoutingHeader(
          octets, lead.subspan(kIpv6DestinationOffset, kIpv6AddressSize));
    case IpProtocol::kFragment:
      if (fragment.has_value()) {
        return DropReason::kBadExtensionHeader;
      }
      fragment = extension;
      return Pass();
    default:
      return Pass();
  }
}

Opinion<ConstBytes> CoverIpv6(Bytes lead) {
  constexpr std::uint8_t kVersion6 = 0x60;
  lead[0] = kVersion6;       // and the upper half of the traffic class
  Zero(lead.subspan(1, 3));  // the lower half, flow label
  lead[7] = 0;               // hop limit
  std::optional<Ipv6Extension> fragment;
  Ipv6Extensions walk(lead);
  for (;;) {
    const Opinion<std::optional<Ipv6Extension>> next = walk.Next();
    if (!next.ok()) {
      return next.error();
    }
    if (!next->has_value()) {
      break;
    }
    const Passage covered = CoverExtension(**next, lead, fragment);
    if (!covered.ok()) {
      return covered.error();
    }
  }
  return fragment.has_value() ? WithoutFragmentHeader(lead, *fragment)
                              : ConstBytes(lead);
}

}  // namespace

bool CoversIpv4Option(std::uint8_t type) {
  return std::any_of(
      kCoveredIpv4Options.begin(), kCoveredIpv4Options.end(),
      [type](Ipv4OptionType covered) { return Number(covered) == type; });
}

Opinion<ConstBytes> CoveredLead(ConstBytes lead, Bytes room) {
  if (lead.size() > kMaxLead) {
    return DropReason::kTooManyHeaders;
  }
  const Bytes copy = room.first(lead.size());
  CopyBytes(copy, lead);
  if ((copy[0] >> 4) == 6) {
    return CoverIpv6(copy);
  }
  if (const Passage covered = CoverIpv4(copy); !covered.ok()) {
    return covered.error();
  }
  return ConstBytes(copy);
}

}  // namespace postern::ah
