// SPDX-License-Identifier: Apache-2.0

#include "core/flow/field_selector.h"

#include <array>

namespace postern {

AddressRange RangeOf(const IpPrefix& prefix) {
  const ConstBytes first = prefix.address().octets();
  std::array<std::uint8_t, 16> last{};
  std::ranges::copy(first, last.begin());
  for (unsigned bit = prefix.length(); bit < first.size() * 8; ++bit) {
    last[bit / 8] |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
  }
  return {prefix.address(),
          IpAddress::FromOctets(ConstBytes(last).first(first.size()))};
}

std::optional<MessageSelector::Range> RangeOf(const MessageTypes& types) {
  const unsigned first = types.type_first * 256U + types.code_first;
  const unsigned last = types.type_last * 256U + types.code_last;
  if (last < first) {
    return std::nullopt;
  }
  return MessageSelector::Range{static_cast<std::uint16_t>(first),
                                static_cast<std::uint16_t>(last)};
}

}  // namespace postern
