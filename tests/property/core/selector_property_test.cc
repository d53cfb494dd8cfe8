// SPDX-License-Identifier: Apache-2.0
//
// Selectors against their definition (RFC 4301 4.4.1.1), over a small world in
// which every value can be tried: a field is meant if its value is in the set.

#include <random>
#include <set>

#include "gtest/gtest.h"

#include "core/flow/selector.h"

namespace postern {
namespace {

// A field by its definition: absent is ANY, else a set; `opaque`: not there.
struct NaiveField {
  std::optional<std::set<unsigned>> values;
  bool opaque = false;

  // Whether some, and whether every value that the packet may have is meant.
  Fit Judge(const std::optional<unsigned>& value) const {
    if (opaque) {
      return value ? Fit::kNo : Fit::kYes;
    }
    if (!values) {
      return Fit::kYes;
    }
    if (!value) {
      return Fit::kUnclear;
    }
    return values->contains(*value) ? Fit::kYes : Fit::kNo;
  }
};

class SelectorProperty : public testing::Test {
 protected:
  unsigned Below(unsigned bound) {
    return static_cast<unsigned>(random_() % bound);
  }

  // A field over 0..255, and the same by its definition.
  template <typename T>
  FieldSelector<T> Some(NaiveField& naive, T (*of)(unsigned)) {
    naive = NaiveField();
    switch (Below(4)) {
      case 0:
        return {};
      case 1:
        naive.opaque = true;
        return FieldSelector<T>::Opaque();
      default:
        break;
    }
    std::vector<ValueRange<T>> ranges;
    naive.values.emplace();
    for (unsigned left = 1 + Below(3); left > 0; --left) {
      const unsigned first = Below(256);
      const unsigned last = first + Below(256 - first);
      ranges.push_back({of(first), of(last)});
      for (unsigned value = first; value <= last; ++value) {
        naive.values->insert(value);
      }
    }
    return FieldSelector<T>::Of(std::move(ranges));
  }

  std::mt19937 random_{4301};
};

std::uint16_t PortOf(unsigned value) {
  return static_cast<std::uint16_t>(value * 7);
}

IpAddress AddressOf(unsigned value) {
  const std::array<std::uint8_t, 4> octets = {
      192, 0, static_cast<std::uint8_t>(value / 16),
      static_cast<std::uint8_t>(value % 16 * 16)};
  return IpAddress::FromOctets(octets);
}

// DEF-41
// SEL-01 SEL-04 SEL-05 SEL-08
TEST_F(SelectorProperty, EveryFieldIsWhatItsSetSays) {
  for (int round = 0; round < 20000; ++round) {
    NaiveField source, destination, source_port, destination_port;
    Selector selector;
    selector.source = Some<IpAddress>(source, AddressOf);
    selector.destination = Some<IpAddress>(destination, AddressOf);
    selector.protocol = std::uint8_t{17};
    selector.source_port = Some<std::uint16_t>(source_port, PortOf);
    selector.destination_port = Some<std::uint16_t>(destination_port, PortOf);
    const std::array<unsigned, 4> drawn = {Below(256), Below(256), Below(256),
                                           Below(256)};
    const bool hidden = Below(3) == 0;
    const auto port = [&](unsigned value) {
      return hidden ? std::nullopt : std::optional(value);
    };
    const bool outbound = Below(2) == 0;
    FlowKey key{AddressOf(drawn[0]), AddressOf(drawn[1]),
                hidden ? std::uint16_t{0} : PortOf(drawn[2]),
                hidden ? std::uint16_t{0} : PortOf(drawn[3]), 17};
    Fit expected =
        std::min({source.Judge(drawn[0]), destination.Judge(drawn[1]),
                  source_port.Judge(port(drawn[2])),
                  destination_port.Judge(port(drawn[3]))});
    if (!outbound) {
      key = {key.remote, key.local, key.remote_port, key.local_port, 17};
    }
    const Direction direction =
        outbound ? Direction::kOutbound : Direction::kInbound;
    const Traffic traffic(
        key, Aspect{direction,
                    hidden ? Aspect::Shows::kHidden : Aspect::Shows::kPlain});
    ASSERT_EQ(selector.Judge(traffic, direction), expected)
        << ToString(selector) << " " << ToString(key);
  }
}

// SEL-07: every type and code against the RFC's formula, over random ranges.
TEST_F(SelectorProperty, MessagesAreWhatTheFormulaSays) {
  for (int round = 0; round < 200; ++round) {
    const auto octet = [this] { return static_cast<std::uint8_t>(Below(256)); };
    const MessageTypes types{octet(), octet(), octet(), octet()};
    const auto range = RangeOf(types);
    if (!range) {
      continue;
    }
    const MessageSelector selector(*range);
    for (unsigned type = 0; type < 256; ++type) {
      const unsigned code = Below(256);
      const unsigned value = type * 256 + code;
      const bool meant = types.type_first * 256U + types.code_first <= value &&
                         value <= types.type_last * 256U + types.code_last;
      ASSERT_EQ(selector.Judge(static_cast<std::uint16_t>(value)) == Fit::kYes,
                meant);
    }
  }
}

}  // namespace
}  // namespace postern
