// SPDX-License-Identifier: Apache-2.0
//
// A Bundle is the SAs that protect one flow's packets, inner first: ESP
// transport, AH, ESP network (API-03). Its overhead is computed when it is
// built. A TransformPath is the same seen from the receiver: the SAs whose
// transforms were really removed from one packet, outer first.
//
// The SA pointers are valid as long as the SADB's generation is the one the
// bundle was built with (sadb/sadb.h).
//
// Thread safety: Worker-confined plain values.

#ifndef POSTERN_POLICY_BUNDLE_H_
#define POSTERN_POLICY_BUNDLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "policy/level.h"
#include "sadb/security_association.h"

namespace postern {

class Bundle {
 public:
  // REQUIRES: at most one SA per category, in the order of kCategories.
  void Add(SecurityAssociation& association);

  std::span<SecurityAssociation* const> associations() const {
    return std::span(associations_).first(size_);
  }

  bool empty() const { return size_ == 0; }

  // The most octets by which the bundle makes a packet longer.
  std::size_t overhead() const { return overhead_; }

  // Whether TFC padding is counted, which a packet can do without.
  enum class Counting : std::uint8_t { kAll, kWithoutTfc };

  // Octets of a packet of `size` octets once it is protected, exactly; the first
  // `lead` of them stay in front of a transport-mode header
  // (IpView::insertion_offset()).
  std::size_t ProtectedSize(std::size_t size, std::size_t lead,
                            Counting counting = Counting::kAll) const;

  // The largest packet whose ProtectedSize(), without TFC padding, is at most
  // `mtu`; 0 when there is none.
  std::size_t LargestWithin(std::size_t mtu, std::size_t lead) const;

  // Whether any of its SAs takes no fragments (RFC 4301 4.1).
  bool wants_whole() const;

 private:
  std::array<SecurityAssociation*, kCategories.size()> associations_{};
  std::size_t size_ = 0;
  std::size_t overhead_ = 0;
};

// The most octets that any bundle of one SA per category, with ICVs of up to 16
// octets and none in UDP, adds to a packet with an IPv6 outer header: the TUN's
// MTU leaves room for it.
inline constexpr std::size_t kWorstBundleOverhead =
    (8 + 16 + 15 + 2 + 16)          // ESP transport: header, IV, pad, ICV
    + (12 + 20)                     // AH with padding
    + (40 + 8 + 16 + 15 + 2 + 16);  // ESP network with its IPv6 header

class TransformPath {
 public:
  static constexpr std::size_t kMaxDepth = 4;

  bool full() const { return size_ == kMaxDepth; }

  bool empty() const { return size_ == 0; }

  // REQUIRES: !full().
  void Add(SecurityAssociation& association) {
    if (full()) {
      std::abort();
    }
    associations_[size_++] = &association;
  }

  std::span<SecurityAssociation* const> associations() const {
    return std::span(associations_).first(size_);
  }

  // The categories that are satisfied: whose transforms were removed, in the
  // draft's place. A path in any other order than ESP network, AH, ESP transport
  // satisfies none at all.
  CategorySet applied() const;

  // Whether the same SAs were removed in the same order.
  // Without a call of memcmp(): every packet compares paths.
  friend bool operator==(const TransformPath& one, const TransformPath& other) {
    bool same = one.size_ == other.size_;
    for (std::size_t i = 0; same && i < one.size_; ++i) {
      same = one.associations_[i] == other.associations_[i];
    }
    return same;
  }

  // The SA of this category; null when there is none.
  const SecurityAssociation* Find(Category category) const;

 private:
  std::array<SecurityAssociation*, kMaxDepth> associations_{};
  std::size_t size_ = 0;
};

}  // namespace postern

#endif  // POSTERN_POLICY_BUNDLE_H_
