// SPDX-License-Identifier: Apache-2.0
//
// Fragments as the RFCs define them, made without the code under test: one
// piece of a packet at a time.
//
// Thread safety: plain functions.

#ifndef POSTERN_TESTS_SUPPORT_NAIVE_FRAGMENTS_H_
#define POSTERN_TESTS_SUPPORT_NAIVE_FRAGMENTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/support/packet_builder.h"

namespace postern {

// Which octets of the packet's data (behind IPv4's header and options, or
// IPv6's 40 octets) the fragment has, and whether it says that more follow.
struct NaivePiece {
  std::size_t offset = 0;
  std::size_t size = 0;
  bool has_more = false;
  std::uint32_t id = 7;
};

// REQUIRES: the packet has no IPv6 extension headers; the piece is within it.
Octets NaiveFragment(const Octets& packet, const NaivePiece& piece);

// All of them, in order, each with `most` octets of data but the last.
// REQUIRES: as above; most is a multiple of 8.
std::vector<Octets> NaiveFragments(const Octets& packet, std::size_t most,
                                   std::uint32_t id = 7);

}  // namespace postern

#endif  // POSTERN_TESTS_SUPPORT_NAIVE_FRAGMENTS_H_
