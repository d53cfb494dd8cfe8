// SPDX-License-Identifier: Apache-2.0

#include "policy/bundle.h"

#include <algorithm>
#include <optional>

#include "core/beet_header.h"

namespace postern {
namespace {

constexpr std::size_t kEspHeader = 8;   // SPI, sequence number
constexpr std::size_t kEspTrailer = 2;  // pad length, next header
constexpr std::size_t kAhHeader = 12;

std::size_t FixedHeader(const IpAddress& end) {
  return end.family() == IpFamily::kV4 ? 20 : 40;
}

std::size_t OuterHeader(const SaParameters& sa) {
  return HasOuterHeader(sa.mode) ? FixedHeader(sa.source) : 0;
}

// RFC 4303 2.4: the trailer ends on four octets or on the cipher's block,
// whichever is longer, so that at most one octet less is padded.
std::size_t EspAlignment(const SaParameters& sa) {
  return std::max<std::size_t>(InfoOf(sa.encryption).block, 4);
}

// Without the trailer.
std::size_t EspFixed(const SaParameters& sa) {
  const EncryptionInfo& cipher = InfoOf(sa.encryption);
  return kEspHeader + cipher.iv + cipher.icv + InfoOf(sa.integrity).icv;
}

std::size_t EspOverhead(const SaParameters& sa) {
  return EspFixed(sa) + (EspAlignment(sa) - 1) + kEspTrailer;
}

// RFC 4302 2.2, 2.6: the header is padded to four octets, in IPv6 to eight.
std::size_t AhOverhead(const SaParameters& sa) {
  const std::size_t align = sa.source.family() == IpFamily::kV4 ? 4 : 8;
  const std::size_t bare = kAhHeader + InfoOf(sa.integrity).field();
  return (bare + align - 1) / align * align;
}

std::size_t UdpHeader(const SaParameters& sa) {
  return sa.encapsulation ? kUdpHeaderOctets : 0;
}

// In BEET mode the outer header comes in the packet's place, with the most that
// options need; it is never counted as less than the packet's.
std::size_t HeaderOverhead(const SaParameters& sa) {
  if (sa.mode != IpsecMode::kBeet) {
    return OuterHeader(sa);
  }
  const IpAddress inner = sa.inner_ends().source;
  const std::size_t options =
      inner.family() == IpFamily::kV4 ? kMostBeetPseudoHeader : 0;
  const std::size_t gone = FixedHeader(inner);
  return std::max(OuterHeader(sa), gone) - gone + options;
}

std::size_t OverheadOf(const SaParameters& sa) {
  return HeaderOverhead(sa) + UdpHeader(sa) +
         (sa.protocol == IpsecProtocol::kEsp ? EspOverhead(sa)
                                             : AhOverhead(sa));
}

// How much of a packet stays or goes in front of ESP, and what options are led
// in by behind it.
struct Front {
  std::size_t gone;    // of the packet's own headers: not behind ESP
  std::size_t before;  // in front of ESP
  std::size_t pseudo;  // behind ESP, in front of the packet's rest
};

Front FrontOf(const SaParameters& sa, std::size_t size, std::size_t lead) {
  switch (sa.mode) {
    case IpsecMode::kTransport:
      return {std::min(lead, size), std::min(lead, size), 0};
    case IpsecMode::kTunnel:
      return {0, OuterHeader(sa), 0};
    case IpsecMode::kBeet:
      break;
  }
  const IpAddress inner = sa.inner_ends().source;
  const std::size_t fixed = FixedHeader(inner);
  const bool has_options = inner.family() == IpFamily::kV4 && lead > fixed;
  return {std::min(fixed, size), OuterHeader(sa),
          has_options ? BeetPseudoHeader(lead - fixed) : 0};
}

// What one SA makes of a packet (RFC 4303 2.4: payload and trailer end on the
// alignment).
std::size_t SizeWith(const SaParameters& sa, std::size_t size, std::size_t lead,
                     Bundle::Counting counting) {
  if (sa.protocol == IpsecProtocol::kAh) {
    return size + OverheadOf(sa);
  }
  const std::size_t align = EspAlignment(sa);
  const Front front = FrontOf(sa, size, lead);
  const bool pads =
      sa.mode == IpsecMode::kTunnel && counting == Bundle::Counting::kAll;
  const std::size_t payload = std::max<std::size_t>(
      size - front.gone + front.pseudo, pads ? sa.tfc_pad_to : 0);
  const std::size_t text = (payload + kEspTrailer + align - 1) / align * align;
  return front.before + UdpHeader(sa) + EspFixed(sa) + text;
}

// The category whose transform this SA is.
std::optional<Category> CategoryOf(const SecurityAssociation& association) {
  const SaParameters& sa = association.parameters();
  return FindCategory(sa.protocol, sa.found_as());
}

}  // namespace

void Bundle::Add(SecurityAssociation& association) {
  if (size_ == associations_.size()) {
    std::abort();
  }
  associations_[size_++] = &association;
  overhead_ += OverheadOf(association.parameters());
}

std::size_t Bundle::ProtectedSize(std::size_t size, std::size_t lead,
                                  Counting counting) const {
  for (const SecurityAssociation* association : associations()) {
    const SaParameters& sa = association->parameters();
    size = SizeWith(sa, size, lead, counting);
    lead = HasOuterHeader(sa.mode) ? OuterHeader(sa) : lead;
  }
  return size;
}

std::size_t Bundle::LargestWithin(std::size_t mtu, std::size_t lead) const {
  std::size_t size = mtu;
  while (size > 0 && ProtectedSize(size, lead, Counting::kWithoutTfc) > mtu) {
    --size;
  }
  return size;
}

bool Bundle::wants_whole() const {
  return std::ranges::any_of(
      associations(), [](const SecurityAssociation* association) {
        return ProtectsPayload(association->parameters().mode);
      });
}

// Outer first, the categories must strictly fall in the order of application.
CategorySet TransformPath::applied() const {
  CategorySet categories;
  std::optional<Category> outer;
  for (const SecurityAssociation* association : associations()) {
    const std::optional<Category> here = CategoryOf(*association);
    if (!here || (outer && *here >= *outer)) {
      return {};
    }
    categories.Add(*here);
    outer = here;
  }
  return categories;
}

const SecurityAssociation* TransformPath::Find(Category category) const {
  for (const SecurityAssociation* association : associations()) {
    if (CategoryOf(*association) == category) {
      return association;
    }
  }
  return nullptr;
}

}  // namespace postern
