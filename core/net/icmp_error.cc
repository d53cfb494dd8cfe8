// SPDX-License-Identifier: Apache-2.0

#include "core/net/icmp_error.h"

#include <algorithm>
#include <array>

#include "core/bytes.h"

namespace postern {
namespace {

constexpr std::size_t kIcmpHeaderSize = 8;
constexpr std::size_t kIpv4HeaderSize = 20;
constexpr std::size_t kPortsSize = 4;

constexpr Quotation kUnclear = {.kind = Quotation::Kind::kUnclear, .flow = {}};

// The quoted packet's source and destination.
struct Ends {
  IpAddress source;
  IpAddress destination;
};

// `offset` is where what `protocol` names begins.
Quotation ReadPorts(ConstBytes quoted, std::size_t offset,
                    std::uint8_t protocol, const Ends& ends) {
  if (!HasPorts(protocol)) {
    return {.kind = Quotation::Kind::kNone,
            .flow = {ends.source, ends.destination, 0, 0, protocol}};
  }
  if (quoted.size() < offset + kPortsSize) {
    return kUnclear;
  }
  const ConstBytes ports = quoted.subspan(offset);
  return {.kind = Quotation::Kind::kFlow,
          .flow = {ends.source, ends.destination, LoadBe<std::uint16_t>(ports),
                   LoadBe<std::uint16_t>(ports.subspan(2)), protocol}};
}

Quotation ReadIpv4(ConstBytes quoted) {
  if (quoted.size() < kIpv4HeaderSize || quoted[0] >> 4 != 4) {
    return kUnclear;
  }
  const std::size_t header = (quoted[0] & std::size_t{0x0f}) * 4;
  const bool is_later =
      (LoadBe<std::uint16_t>(quoted.subspan(6)) & 0x1fff) != 0;
  if (header < kIpv4HeaderSize || is_later) {
    return kUnclear;
  }
  return ReadPorts(quoted, header, quoted[9],
                   {IpAddress::FromOctets(quoted.subspan(12, 4)),
                    IpAddress::FromOctets(quoted.subspan(16, 4))});
}

// Where a header of this kind, which stands at `offset`, ends; nothing if what
// follows it is not told. REQUIRES: two octets are there.
std::optional<std::size_t> EndOf(IpProtocol kind, ConstBytes quoted,
                                 std::size_t offset) {
  switch (kind) {
    case IpProtocol::kHopByHop:
    case IpProtocol::kDestinationOptions:
      return offset + (quoted[offset + 1] + std::size_t{1}) * 8;
    case IpProtocol::kFragment:
      if (quoted.size() < offset + 8 ||
          (LoadBe<std::uint16_t>(quoted.subspan(offset + 2)) & 0xfff8) != 0) {
        return std::nullopt;
      }
      return offset + 8;
    default:
      return std::nullopt;
  }
}

bool IsWalkedByTheKernel(std::uint8_t protocol) {
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::kHopByHop:
    case IpProtocol::kRouting:
    case IpProtocol::kFragment:
    case IpProtocol::kAh:
    case IpProtocol::kDestinationOptions:
      return true;
    default:
      return false;
  }
}

// Each step is eight octets forward at least. A routing header changes whose
// packet it was, and AH hides it.
Quotation ReadIpv6(ConstBytes quoted) {
  if (quoted.size() < kIpv6HeaderSize || quoted[0] >> 4 != 6) {
    return kUnclear;
  }
  std::uint8_t protocol = quoted[6];
  std::size_t offset = kIpv6HeaderSize;
  while (IsWalkedByTheKernel(protocol)) {
    if (quoted.size() < offset + 2) {
      return kUnclear;
    }
    const std::optional<std::size_t> end =
        EndOf(static_cast<IpProtocol>(protocol), quoted, offset);
    if (!end) {
      return kUnclear;
    }
    protocol = quoted[offset];
    offset = *end;
  }
  return ReadPorts(quoted, offset, protocol,
                   {IpAddress::FromOctets(quoted.subspan(8, 16)),
                    IpAddress::FromOctets(quoted.subspan(24, 16))});
}

// The other way round.
FlowKey Reversed(const FlowKey& key) {
  return {key.remote, key.local, key.remote_port, key.local_port, key.protocol};
}

}  // namespace

std::optional<std::uint8_t> IcmpTypeOf(const IpView& packet) {
  const IpProtocol icmp = packet.family() == IpFamily::kV4
                              ? IpProtocol::kIcmp
                              : IpProtocol::kIcmpv6;
  if (packet.protocol() != Number(icmp) ||
      packet.fragment() == IpView::Fragment::kLater ||
      packet.payload().empty()) {
    return std::nullopt;
  }
  return packet.payload()[0];
}

bool IsIcmpError(const IpView& packet) {
  constexpr std::array<std::uint8_t, 5> kIpv4Errors = {3, 4, 5, 11, 12};
  constexpr std::uint8_t kFirstIpv6Information = 128;
  const std::optional<std::uint8_t> type = IcmpTypeOf(packet);
  if (!type) {
    return false;
  }
  return packet.family() == IpFamily::kV4
             ? std::ranges::find(kIpv4Errors, *type) != kIpv4Errors.end()
             : *type < kFirstIpv6Information;
}

Quotation QuotationOf(const IpView& packet, Direction direction) {
  if (!IsIcmpError(packet)) {
    return {};
  }
  if (packet.payload().size() < kIcmpHeaderSize) {
    return kUnclear;
  }
  const ConstBytes quoted = packet.payload().subspan(kIcmpHeaderSize);
  Quotation quotation =
      packet.family() == IpFamily::kV4 ? ReadIpv4(quoted) : ReadIpv6(quoted);
  // We complain about what came to us, and are told of what we sent.
  if (direction == Direction::kOutbound) {
    quotation.flow = Reversed(quotation.flow);
  }
  return quotation;
}

}  // namespace postern
