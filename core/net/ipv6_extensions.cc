// SPDX-License-Identifier: Apache-2.0

#include "core/net/ipv6_extensions.h"

#include "core/net/protocols.h"

namespace postern {
namespace {

constexpr std::size_t kExtensionUnit = 8;
constexpr std::uint16_t kFragmentOffsetMask = 0xfff8;

// The size that the header at the start of `rest` claims. The second octet of
// a fragment header is reserved; its size is fixed (RFC 8200 4.5).
std::size_t ClaimedSize(std::uint8_t type, ConstBytes rest) {
  return type == Number(IpProtocol::kFragment)
             ? kExtensionUnit
             : (rest[1] + std::size_t{1}) * kExtensionUnit;
}

}  // namespace

Ipv6Extensions::Ipv6Extensions(ConstBytes packet)
    : packet_(packet), protocol_(packet[6]) {}

Opinion<std::optional<Ipv6Extension>> Ipv6Extensions::Next() {
  if (ended_ || !IsIpv6Extension(protocol_)) {
    return std::optional<Ipv6Extension>();
  }
  if (count_ == kMaxIpv6ExtensionHeaders) {
    return DropReason::kTooManyHeaders;
  }
  const ConstBytes rest = packet_.subspan(offset_);
  if (rest.size() < kExtensionUnit ||
      ClaimedSize(protocol_, rest) > rest.size()) {
    return DropReason::kBadExtensionHeader;
  }
  if (protocol_ == Number(IpProtocol::kHopByHop) && count_ != 0) {
    return DropReason::kBadExtensionHeader;  // RFC 8200 4.1
  }
  const Ipv6Extension extension{protocol_, offset_, protocol_offset_,
                                rest.first(ClaimedSize(protocol_, rest))};
  ended_ = protocol_ == Number(IpProtocol::kFragment) &&
           (LoadBe<std::uint16_t>(rest.subspan(2)) & kFragmentOffsetMask) != 0;
  ++count_;
  protocol_offset_ = offset_;
  protocol_ = extension.next();
  offset_ += extension.octets.size();
  return std::optional(extension);
}

Opinion<std::optional<Ipv6Option>> Ipv6Options::Next() {
  constexpr std::uint8_t kPad1 = 0;
  constexpr std::size_t kPrefix = 2;  // type and length
  const ConstBytes rest = header_.subspan(offset_);
  if (rest.empty()) {
    return std::optional<Ipv6Option>();
  }
  std::size_t size = 1;
  if (rest[0] != kPad1) {
    size = rest.size() >= kPrefix ? kPrefix + rest[1] : kPrefix;
    if (size > rest.size()) {
      offset_ = header_.size();
      return DropReason::kBadExtensionHeader;
    }
  }
  const Ipv6Option option{rest[0], offset_, rest.first(size)};
  offset_ += size;
  return std::optional(option);
}

Passage CheckIpv6Options(ConstBytes header) {
  Ipv6Options walk(header);
  for (;;) {
    const Opinion<std::optional<Ipv6Option>> next = walk.Next();
    if (!next.ok()) {
      return next.error();
    }
    if (!next->has_value()) {
      return Pass();
    }
  }
}

}  // namespace postern
