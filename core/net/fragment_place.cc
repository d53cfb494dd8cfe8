// SPDX-License-Identifier: Apache-2.0

#include "core/net/fragment_place.h"

#include "core/net/ipv6_extensions.h"
#include "core/net/protocols.h"

namespace postern {
namespace {

constexpr std::uint16_t kMoreFragments4 = 0x2000;
constexpr std::uint16_t kOffset4 = 0x1fff;  // in eights
constexpr std::uint16_t kMoreFragments6 = 0x0001;
constexpr std::uint16_t kOffset6 = 0xfff8;  // in octets

FragmentPlace OfIpv4(const IpView& view, ConstBytes octets) {
  const auto field = LoadBe<std::uint16_t>(octets.subspan(6));
  return {.id = LoadBe<std::uint16_t>(octets.subspan(4)),
          .offset = (field & std::size_t{kOffset4}) * 8,
          .has_more = (field & kMoreFragments4) != 0,
          .protocol = view.protocol(),
          .header_size = view.header_length(),
          .protocol_offset = view.protocol_offset(),
          .data_offset = view.header_length()};
}

// Behind the first fragment header that is not atomic.
std::optional<FragmentPlace> OfIpv6(ConstBytes octets) {
  Ipv6Extensions walk(octets);
  for (;;) {
    const Opinion<std::optional<Ipv6Extension>> next = walk.Next();
    if (!next.ok() || !next->has_value()) {
      return std::nullopt;
    }
    const Ipv6Extension& header = **next;
    if (header.type != Number(IpProtocol::kFragment)) {
      continue;
    }
    const auto field = LoadBe<std::uint16_t>(header.octets.subspan(2));
    if ((field & (kOffset6 | kMoreFragments6)) != 0) {
      return FragmentPlace{
          .id = LoadBe<std::uint32_t>(header.octets.subspan(4)),
          .offset = field & std::size_t{kOffset6},
          .has_more = (field & kMoreFragments6) != 0,
          .protocol = header.next(),
          .header_size = header.offset,
          .protocol_offset = header.protocol_offset,
          .data_offset = header.offset + header.octets.size()};
    }
  }
}

}  // namespace

std::optional<FragmentPlace> FragmentPlace::Of(const IpView& view,
                                               ConstBytes octets) {
  if (view.fragment() == IpView::Fragment::kWhole) {
    return std::nullopt;
  }
  return view.family() == IpFamily::kV4 ? OfIpv4(view, octets)
                                        : OfIpv6(octets.first(view.size()));
}

}  // namespace postern
