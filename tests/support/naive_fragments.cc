// SPDX-License-Identifier: Apache-2.0

#include "tests/support/naive_fragments.h"

#include <algorithm>

namespace postern {
namespace {

void Put(Octets& octets, std::size_t at, std::size_t value) {
  octets[at] = static_cast<std::uint8_t>(value >> 8 & 0xff);
  octets[at + 1] = static_cast<std::uint8_t>(value & 0xff);
}

bool IsV4(const Octets& packet) {
  return packet[0] >> 4 == 4;
}

std::size_t HeaderOf(const Octets& packet) {
  return IsV4(packet) ? (packet[0] & std::size_t{15}) * 4 : 40;
}

void SumHeader(Octets& octets, std::size_t header) {
  Put(octets, 10, 0);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < header; i += 2) {
    sum += (std::uint32_t{octets[i]} << 8) + octets[i + 1];
  }
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  Put(octets, 10, ~sum & 0xffff);
}

}  // namespace

Octets NaiveFragment(const Octets& packet, const NaivePiece& piece) {
  const std::size_t header = HeaderOf(packet);
  const auto begin = packet.begin() + static_cast<std::ptrdiff_t>(header);
  Octets fragment(packet.begin(), begin);
  const std::size_t more = piece.has_more ? 1 : 0;
  if (!IsV4(packet)) {
    fragment.insert(fragment.end(), {packet[6], 0, 0, 0, 0, 0, 0, 0});
    fragment[6] = 44;
    Put(fragment, header + 2, piece.offset | more);
    Put(fragment, header + 4, piece.id >> 16);
    Put(fragment, header + 6, piece.id);
  }
  const auto from = begin + static_cast<std::ptrdiff_t>(piece.offset);
  fragment.insert(fragment.end(), from,
                  from + static_cast<std::ptrdiff_t>(piece.size));
  if (IsV4(packet)) {
    Put(fragment, 2, fragment.size());
    Put(fragment, 4, piece.id);
    Put(fragment, 6, piece.offset / 8 + more * 0x2000);
    SumHeader(fragment, header);
  } else {
    Put(fragment, 4, fragment.size() - 40);
  }
  return fragment;
}

std::vector<Octets> NaiveFragments(const Octets& packet, std::size_t most,
                                   std::uint32_t id) {
  const std::size_t all = packet.size() - HeaderOf(packet);
  std::vector<Octets> fragments;
  for (std::size_t at = 0; at < all; at += most) {
    const std::size_t size = std::min(most, all - at);
    fragments.push_back(NaiveFragment(packet, {at, size, at + size < all, id}));
  }
  return fragments;
}

}  // namespace postern
