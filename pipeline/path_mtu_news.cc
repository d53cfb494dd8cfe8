// SPDX-License-Identifier: Apache-2.0

#include "pipeline/path_mtu_news.h"

#include <algorithm>
#include <array>

#include "core/net/checksum.h"
#include "core/net/ipv6_extensions.h"
#include "core/net/protocols.h"

namespace postern {
namespace {

constexpr std::size_t kIcmpHeaderSize = 8;
constexpr std::size_t kIpv4HeaderSize = 20;
constexpr std::size_t kLeastIpv6Mtu = 1280;
constexpr std::uint32_t kRecentNumbers = 65536;

// RFC 1191 7.1: what a router that tells no MTU may have meant.
constexpr std::array<std::size_t, 10> kPlateaus = {
    32000, 17914, 8166, 4352, 2002, 1492, 1006, 576, 296, 68};

// What stands behind the quoted IP header.
bool ReadIpsec(std::uint8_t protocol, ConstBytes octets, PathMtuNews& news) {
  const bool is_esp = protocol == Number(IpProtocol::kEsp);
  if (!is_esp && protocol != Number(IpProtocol::kAh)) {
    return false;
  }
  constexpr std::size_t kBeforeSpiInAh = 4;
  Reader in(octets);
  if (!is_esp && !in.Take(kBeforeSpiInAh)) {
    return false;
  }
  const auto spi = in.Read<std::uint32_t>();
  const auto sequence = in.Read<std::uint32_t>();
  news.protocol = is_esp ? IpsecProtocol::kEsp : IpsecProtocol::kAh;
  news.spi = Spi{spi.value_or(0)};
  // Too short a quotation of AH shows no number: 0 is never believed.
  news.sequence = sequence.value_or(0);
  return spi.has_value();
}

bool ReadIpv4(ConstBytes quoted, PathMtuNews& news) {
  if (quoted.size() < kIpv4HeaderSize || quoted[0] >> 4 != 4) {
    return false;
  }
  const std::size_t header = (quoted[0] & std::size_t{15}) * 4;
  const bool is_later =
      (LoadBe<std::uint16_t>(quoted.subspan(6)) & 0x1fff) != 0;
  if (header < kIpv4HeaderSize || header > quoted.size() || is_later) {
    return false;
  }
  news.size_octets = LoadBe<std::uint16_t>(quoted.subspan(2));
  news.source = IpAddress::FromOctets(quoted.subspan(12, 4));
  news.destination = IpAddress::FromOctets(quoted.subspan(16, 4));
  return ReadIpsec(quoted[9], quoted.subspan(header), news);
}

bool ReadIpv6(ConstBytes quoted, PathMtuNews& news) {
  if (quoted.size() < kIpv6HeaderSize || quoted[0] >> 4 != 6) {
    return false;
  }
  news.size_octets = kIpv6HeaderSize + LoadBe<std::uint16_t>(quoted.subspan(4));
  news.source = IpAddress::FromOctets(quoted.subspan(8, 16));
  news.destination = IpAddress::FromOctets(quoted.subspan(24, 16));
  Ipv6Extensions walk(quoted);
  for (;;) {
    const Opinion<std::optional<Ipv6Extension>> next = walk.Next();
    if (!next.ok()) {
      return false;
    }
    if (!next->has_value()) {
      return ReadIpsec(walk.protocol(), quoted.subspan(walk.offset()), news);
    }
    // What a later fragment begins with is the middle of something.
    const Ipv6Extension& header = **next;
    if (header.type == Number(IpProtocol::kFragment) &&
        (LoadBe<std::uint16_t>(header.octets.subspan(2)) & 0xfff8) != 0) {
      return false;
    }
  }
}

bool HasRightChecksum(const IpView& packet) {
  return packet.family() == IpFamily::kV4
             ? InternetChecksum(packet.payload()) == 0
             : TransportChecksum(packet.source(), packet.destination(),
                                 packet.protocol(), packet.payload()) == 0;
}

// What a router meant that tells nothing.
std::size_t PlateauBelow(std::size_t size) {
  const auto below = std::ranges::find_if(
      kPlateaus, [size](std::size_t plateau) { return plateau < size; });
  return below == kPlateaus.end() ? kPlateaus.back() : *below;
}

bool IsRecent(std::uint64_t last, std::uint32_t sequence) {
  const std::uint32_t ago = static_cast<std::uint32_t>(last) - sequence;
  return ago < kRecentNumbers && ago < last;
}

}  // namespace

std::optional<PathMtuNews> PathMtuNews::Of(const IpView& packet) {
  const bool v4 = packet.family() == IpFamily::kV4;
  const IpProtocol icmp = v4 ? IpProtocol::kIcmp : IpProtocol::kIcmpv6;
  if (packet.protocol() != Number(icmp) ||
      packet.fragment() != IpView::Fragment::kWhole ||
      packet.payload().size() < kIcmpHeaderSize) {
    return std::nullopt;
  }
  const ConstBytes message = packet.payload();
  const auto kind = LoadBe<std::uint16_t>(message);
  if (kind != (v4 ? 0x0304 : 0x0200)) {
    return std::nullopt;
  }
  PathMtuNews news;
  news.mtu_octets = v4 ? LoadBe<std::uint16_t>(message.subspan(6))
                       : LoadBe<std::uint32_t>(message.subspan(4));
  const ConstBytes quoted = message.subspan(kIcmpHeaderSize);
  const bool is_ours = v4 ? ReadIpv4(quoted, news) : ReadIpv6(quoted, news);
  if (!is_ours) {
    return std::nullopt;
  }
  if (!HasRightChecksum(packet)) {
    news.sequence = 0;  // never believed
  }
  return news;
}

Passage Believe(const PathMtuNews& news, const PathMtuRules& rules,
                const Sadb& sadb, Instant now) {
  SecurityAssociation* const association =
      sadb.FindSent(news.spi, news.destination, news.protocol);
  if (rules.belief == PathMtuRules::Belief::kNever || association == nullptr ||
      !association->usable() || news.sequence == 0 ||
      association->parameters().source != news.source ||
      !IsRecent(association->sequence(), news.sequence) ||
      news.mtu_octets >= news.size_octets) {
    return DropReason::kUnbelievedError;
  }
  const bool v4 = news.source.family() == IpFamily::kV4;
  const std::size_t told =
      news.mtu_octets != 0 ? news.mtu_octets : PlateauBelow(news.size_octets);
  const std::size_t mtu =
      std::max(told, v4 ? rules.least_ipv4_octets : kLeastIpv6Mtu);
  return mtu < news.size_octets &&
                 association->path_mtu().Lower(mtu, now, rules.lasts)
             ? Pass()
             : Passage(DropReason::kUnbelievedError);
}

}  // namespace postern
