// SPDX-License-Identifier: Apache-2.0

#include "core/net/ipv4_options.h"

namespace postern {
namespace {

constexpr std::size_t kShortest = 2;  // type and length

bool IsOneOctet(std::uint8_t type) {
  return type == Number(Ipv4OptionType::kEndOfList) ||
         type == Number(Ipv4OptionType::kNoOperation);
}

}  // namespace

Opinion<std::optional<Ipv4Option>> Ipv4Options::Next() {
  const ConstBytes rest = options_.subspan(offset_);
  if (rest.empty()) {
    return std::optional<Ipv4Option>();
  }
  const std::uint8_t type = rest[0];
  std::size_t length = 1;
  if (!IsOneOctet(type)) {
    length = rest.size() >= kShortest ? rest[1] : 0;
    if (length < kShortest || length > rest.size()) {
      offset_ = options_.size();
      return DropReason::kBadIpOption;
    }
  }
  const Ipv4Option option{type, offset_, rest.first(length)};
  offset_ = type == Number(Ipv4OptionType::kEndOfList) ? options_.size()
                                                       : offset_ + length;
  return std::optional(option);
}

Passage CheckIpv4Options(ConstBytes options) {
  Ipv4Options walk(options);
  for (;;) {
    const Opinion<std::optional<Ipv4Option>> next = walk.Next();
    if (!next.ok()) {
      return next.error();
    }
    if (!next->has_value()) {
      return Pass();
    }
  }
}

}  // namespace postern
