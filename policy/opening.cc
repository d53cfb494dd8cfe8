// SPDX-License-Identifier: Apache-2.0

#include "policy/opening.h"

#include "core/bytes.h"
#include "core/net/transport_fields.h"

namespace postern {
namespace {

constexpr std::size_t kTcpFlagsOffset = 13;
constexpr std::uint8_t kSynBit = 0x02;
constexpr std::uint8_t kAckBit = 0x10;

bool HasTcpHeader(const IpView& view) {
  return view.protocol() == Number(IpProtocol::kTcp) &&
         view.fragment() != IpView::Fragment::kLater;
}

}  // namespace

Opening OpeningOf(const IpView& view) {
  if (!HasTcpHeader(view) || view.payload().size() <= kTcpFlagsOffset) {
    return Opening::kNone;
  }
  const std::uint8_t flags = view.payload()[kTcpFlagsOffset];
  if ((flags & kSynBit) == 0) {
    return Opening::kNone;
  }
  return (flags & kAckBit) == 0 ? Opening::kSyn : Opening::kSynAck;
}

bool ShowsFlags(const IpView& view) {
  return !HasTcpHeader(view) || view.payload().size() > kTcpFlagsOffset;
}

bool MayRewriteFlags(const IpView& later) {
  constexpr std::uint16_t kOffsetBits = 0x1fff;
  if (later.family() != IpFamily::kV4 ||
      later.protocol() != Number(IpProtocol::kTcp)) {
    return false;
  }
  const auto field =
      LoadBe<std::uint16_t>(later.header().subspan(ipv4::kFragment));
  return std::size_t{8} * (field & kOffsetBits) <= kTcpFlagsOffset;
}

bool ContinuesFlow(const IpView& view) {
  if (view.fragment() != IpView::Fragment::kWhole) {
    return false;
  }
  return view.protocol() == Number(IpProtocol::kUdp) ||
         (view.protocol() == Number(IpProtocol::kTcp) && ShowsFlags(view) &&
          OpeningOf(view) == Opening::kNone);
}

}  // namespace postern
