// SPDX-License-Identifier: Apache-2.0

#include "core/net/icmp_error.h"

#include <algorithm>
#include <array>

#include "core/bytes.h"

namespace postern {
namespace {

constexpr std::size_t kIcmpHeaderSize = 8;
constexpr std::size_t kIpv4HeaderSize = 20;

// All of a quotation that can matter: IP headers and ports.
constexpr std::size_t kMostQuoted = 256;

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

bool IsIcmpError(IpFamily family, std::uint8_t type) {
  constexpr std::array<std::uint8_t, 5> kIpv4Errors = {3, 4, 5, 11, 12};
  constexpr std::uint8_t kFirstIpv6Information = 128;
  return family == IpFamily::kV4
             ? std::ranges::find(kIpv4Errors, type) != kIpv4Errors.end()
             : type < kFirstIpv6Information;
}

std::optional<FlowKey> QuotedFlow(const IpView& packet, Direction direction) {
  const std::optional<std::uint8_t> type = IcmpTypeOf(packet);
  if (!type || !IsIcmpError(packet.family(), *type) ||
      packet.payload().size() <= kIcmpHeaderSize + kIpv4HeaderSize) {
    return std::nullopt;
  }
  // A quotation is cut off; a copy that says so of itself can be parsed.
  const ConstBytes quoted = packet.payload().subspan(kIcmpHeaderSize);
  std::array<std::uint8_t, kMostQuoted> copy{};
  const std::size_t size = std::min(quoted.size(), copy.size());
  std::ranges::copy(quoted.first(size), copy.begin());
  const Bytes octets = Bytes(copy).first(size);
  const bool is_v4 = packet.family() == IpFamily::kV4;
  if (!is_v4 && size < kIpv6HeaderSize) {
    return std::nullopt;
  }
  StoreBe(octets.subspan(is_v4 ? 2 : 4),
          static_cast<std::uint16_t>(is_v4 ? size : size - kIpv6HeaderSize));
  const Opinion<IpView> view = IpView::Parse(octets);
  if (!view.ok() || view->family() != packet.family()) {
    return std::nullopt;
  }
  // What was sent to us is what we complain about, and the other way round.
  const Opinion<FlowKey> key =
      view->Key(direction == Direction::kOutbound ? Direction::kInbound
                                                  : Direction::kOutbound);
  if (!key.ok() || (key->local_port == 0 && key->remote_port == 0)) {
    return std::nullopt;
  }
  return *key;
}

}  // namespace postern
