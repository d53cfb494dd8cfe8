// SPDX-License-Identifier: Apache-2.0

#include "policy/bundle.h"

#include <algorithm>
#include <optional>

namespace postern {
namespace {

constexpr std::size_t kEspHeader = 8;   // SPI, sequence number
constexpr std::size_t kEspTrailer = 2;  // pad length, next header
constexpr std::size_t kAhHeader = 12;

std::size_t OuterHeader(const SaParameters& sa) {
  if (sa.mode == IpsecMode::kTransport) {
    return 0;
  }
  return sa.source.family() == IpFamily::kV4 ? 20 : 40;
}

// RFC 4303 2.4: the trailer ends on four octets or on the cipher's block,
// whichever is longer, so that at most one octet less is padded.
std::size_t EspAlignment(const SaParameters& sa) {
  return std::max<std::size_t>(InfoOf(sa.encryption).block, 4);
}

std::size_t EspOverhead(const SaParameters& sa) {
  const EncryptionInfo& cipher = InfoOf(sa.encryption);
  const std::size_t align = EspAlignment(sa);
  return kEspHeader + cipher.iv + (align - 1) + kEspTrailer + cipher.icv +
         InfoOf(sa.integrity).icv;
}

// RFC 4302 2.2, 2.6: the header is padded to four octets, in IPv6 to eight.
std::size_t AhOverhead(const SaParameters& sa) {
  const std::size_t align = sa.source.family() == IpFamily::kV4 ? 4 : 8;
  const std::size_t bare = kAhHeader + InfoOf(sa.integrity).field();
  return (bare + align - 1) / align * align;
}

std::size_t OverheadOf(const SaParameters& sa) {
  const std::size_t udp = sa.encapsulation ? kUdpHeaderOctets : 0;
  return OuterHeader(sa) + udp +
         (sa.protocol == IpsecProtocol::kEsp ? EspOverhead(sa)
                                             : AhOverhead(sa));
}

// What one SA makes of a packet (RFC 4303 2.4: payload and trailer end on the
// alignment).
std::size_t SizeWith(const SaParameters& sa, std::size_t size, std::size_t lead,
                     Bundle::Counting counting) {
  const bool is_tunnel = sa.mode == IpsecMode::kTunnel;
  if (sa.protocol == IpsecProtocol::kAh) {
    return size + OverheadOf(sa);
  }
  const std::size_t align = EspAlignment(sa);
  const std::size_t kept = is_tunnel ? 0 : std::min(lead, size);
  const bool pads = is_tunnel && counting == Bundle::Counting::kAll;
  const std::size_t payload =
      std::max<std::size_t>(size - kept, pads ? sa.tfc_pad_to : 0);
  const std::size_t text = (payload + kEspTrailer + align - 1) / align * align;
  // What EspOverhead() counts besides is the trailer and its padding.
  return kept + text + OverheadOf(sa) - (align - 1) - kEspTrailer;
}

// The category whose transform this SA is; nothing for AH tunnels, which the
// draft does not know.
std::optional<Category> CategoryOf(const SaParameters& sa) {
  for (const Category category : kCategories) {
    if (sa.protocol == ProtocolOf(category) && sa.mode == ModeOf(category)) {
      return category;
    }
  }
  return std::nullopt;
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
    lead = sa.mode == IpsecMode::kTunnel ? OuterHeader(sa) : lead;
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

bool Bundle::has_transport() const {
  return std::ranges::any_of(
      associations(), [](const SecurityAssociation* association) {
        return association->parameters().mode == IpsecMode::kTransport;
      });
}

bool TransformPath::Satisfies(Category category) const {
  return InDraftOrder() && Find(category) != nullptr;
}

CategorySet TransformPath::applied() const {
  CategorySet categories;
  for (const Category category : kCategories) {
    if (Satisfies(category)) {
      categories.Add(category);
    }
  }
  return categories;
}

const SecurityAssociation* TransformPath::Find(Category category) const {
  for (const SecurityAssociation* association : associations()) {
    if (CategoryOf(association->parameters()) == category) {
      return association;
    }
  }
  return nullptr;
}

// Outer first, the categories must strictly fall in the order of application.
bool TransformPath::InDraftOrder() const {
  std::optional<Category> outer;
  for (const SecurityAssociation* association : associations()) {
    const std::optional<Category> here = CategoryOf(association->parameters());
    if (!here || (outer && *here >= *outer)) {
      return false;
    }
    outer = here;
  }
  return true;
}

}  // namespace postern
