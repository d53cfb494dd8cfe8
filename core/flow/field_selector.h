// SPDX-License-Identifier: Apache-2.0
//
// A FieldSelector says which values of one field of a packet are meant (RFC 4301
// 4.4.1.1): any, those of a list of ranges, or only that the field is not to be
// seen (OPAQUE). ANY and OPAQUE stand alone (4.4.1.2).
//
//                 value in a range   other value   not available
//     ANY         yes                yes           yes
//     ranges      yes                no            unclear
//     OPAQUE      no                 no            yes
//
// Unclear: the packet may be one of those that are meant. It matches nothing,
// and must not pass for one that is not meant either.
//
// Thread safety: plain values. Cost: ANY, a comparison; else one for each range.

#ifndef POSTERN_CORE_FLOW_FIELD_SELECTOR_H_
#define POSTERN_CORE_FLOW_FIELD_SELECTOR_H_

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "core/net/ip_address.h"

namespace postern {

// Whether a packet is meant, in the order of certainty.
enum class Fit : std::uint8_t { kNo, kUnclear, kYes };

template <typename T>
struct ValueRange {
  T first;
  T last;  // included

  bool Contains(const T& value) const {
    return !(value < first) && !(last < value);
  }

  friend bool operator==(const ValueRange&, const ValueRange&) = default;
};

using AddressRange = ValueRange<IpAddress>;

// The first and the last address of the prefix.
AddressRange RangeOf(const IpPrefix& prefix);

template <typename T>
class FieldSelector {
 public:
  using Range = ValueRange<T>;

  // ANY.
  FieldSelector() = default;

  // One value.
  FieldSelector(T value) : FieldSelector(Range{value, value}) {}

  FieldSelector(Range range) : kind_(Kind::kRanges) {
    ranges_.push_back(std::move(range));
  }

  FieldSelector(const IpPrefix& prefix) requires std::same_as<T, IpAddress>
      : FieldSelector(RangeOf(prefix)) {}

  static FieldSelector Opaque() {
    FieldSelector selector;
    selector.kind_ = Kind::kOpaque;
    return selector;
  }

  // REQUIRES: !ranges.empty(), and in none `last` is less than `first`.
  static FieldSelector Of(std::vector<Range> ranges) {
    FieldSelector selector;
    selector.kind_ = Kind::kRanges;
    selector.ranges_ = std::move(ranges);
    return selector;
  }

  bool any() const { return kind_ == Kind::kAny; }

  bool opaque() const { return kind_ == Kind::kOpaque; }

  // Empty for ANY and OPAQUE.
  const std::vector<Range>& ranges() const { return ranges_; }

  // The value, when it is the only one that is meant.
  std::optional<T> only() const {
    const bool one = ranges_.size() == 1 && ranges_[0].first == ranges_[0].last;
    return one ? std::optional(ranges_[0].first) : std::nullopt;
  }

  // Whether a packet with this value is meant; absent: not available.
  Fit Judge(const std::optional<T>& value) const {
    switch (kind_) {
      case Kind::kAny:
        return Fit::kYes;
      case Kind::kOpaque:
        return value ? Fit::kNo : Fit::kYes;
      case Kind::kRanges:
        break;
    }
    return value ? Judge(*value) : Fit::kUnclear;
  }

  Fit Judge(const T& value) const {
    if (kind_ != Kind::kRanges) {
      return any() ? Fit::kYes : Fit::kNo;
    }
    const bool held = std::ranges::any_of(
        ranges_,
        [&value](const Range& range) { return range.Contains(value); });
    return held ? Fit::kYes : Fit::kNo;
  }

  // Whether there is a value, or none that is available, which both mean.
  bool Overlaps(const FieldSelector& other) const {
    if (any() || other.any() || opaque() || other.opaque()) {
      return any() || other.any() || (opaque() && other.opaque());
    }
    return std::ranges::any_of(ranges_, [&other](const Range& one) {
      return std::ranges::any_of(other.ranges_, [&one](const Range& two) {
        return !(two.last < one.first) && !(one.last < two.first);
      });
    });
  }

  friend bool operator==(const FieldSelector&, const FieldSelector&) = default;

 private:
  enum class Kind : std::uint8_t { kAny, kOpaque, kRanges };

  Kind kind_ = Kind::kAny;
  std::vector<Range> ranges_;
};

using AddressSelector = FieldSelector<IpAddress>;
using ProtocolSelector = FieldSelector<std::uint8_t>;
using PortSelector = FieldSelector<std::uint16_t>;
// Of type * 256 + code (core/flow/traffic.h).
using MessageSelector = FieldSelector<std::uint16_t>;

// What RFC 4301 4.4.1.1 compares an ICMP packet's type and code with: one number
// between type_first * 256 + code_first and type_last * 256 + code_last. So 3 to
// 11 with code 1 holds type 5 with any code.
struct MessageTypes {
  std::uint8_t type_first = 0;
  std::uint8_t type_last = 255;
  std::uint8_t code_first = 0;
  std::uint8_t code_last = 255;
};

// Nothing when the end comes before the beginning.
std::optional<MessageSelector::Range> RangeOf(const MessageTypes& types);

// "Populate from packet" (RFC 4301 4.4.1): whether an SA takes a field from the
// packet that asked for it, or from the rule.
enum class Populate : std::uint8_t { kFromRule, kFromPacket };

// The packet does not have what the rule, or the SA, must know.
struct DiscardPacket {};

// A rule that cannot be meant: OPAQUE from the packet.
struct ConfigurationError {};

template <typename T>
using Populated =
    std::variant<FieldSelector<T>, DiscardPacket, ConfigurationError>;

// The table of RFC 4301 4.4.2.2: what an SA's selector becomes of the rule's and
// of the packet's value; absent: not available.
template <typename T>
Populated<T> SelectorForSa(const FieldSelector<T>& rule, Populate populate,
                           const std::optional<T>& packet) {
  const bool from_packet = populate == Populate::kFromPacket;
  if (rule.opaque()) {
    return from_packet ? Populated<T>(ConfigurationError()) : rule;
  }
  if (!packet && (from_packet || !rule.any())) {
    return DiscardPacket();
  }
  return from_packet ? FieldSelector<T>(*packet) : rule;
}

}  // namespace postern

#endif  // POSTERN_CORE_FLOW_FIELD_SELECTOR_H_
