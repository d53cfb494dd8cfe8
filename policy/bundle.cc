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
std::size_t EspOverhead(const SaParameters& sa) {
  const EncryptionInfo& cipher = InfoOf(sa.encryption);
  const std::size_t align = std::max<std::size_t>(cipher.block, 4);
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
