// SPDX-License-Identifier: Apache-2.0
//
// How a SocketStore's records lie in the words of a RecordFile. For
// socket_store.cc alone.
//
//     a socket or connection                     a part of its wishes
//     word 0   number of the line, never 0       its number, never 0
//          1   cookie                            place + 1 of the next, or 0
//          2   levels 32 | origin 8 |            kPart << 48
//              standing 8 | marks 8 | 0
//          3   flow: local port 16 |             96 octets
//              remote port 16 | protocol 8 |
//              family 8 | 0
//          4   its local address, 16 octets
//          6   its remote address, 16 octets
//          8   wishes: place + 1 of the
//              first part 32 | octets 32
//          9   wishes: number of all parts
//         10   0
//
// Thread safety: plain functions.

#ifndef POSTERN_STATE_SOCKET_LAYOUT_H_
#define POSTERN_STATE_SOCKET_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "policy/socket_journal.h"
#include "state/record_file.h"

namespace postern {

using SocketContent = RecordFile::Content;

// Where the wishes of a record are. Without octets there are no parts.
struct WishPlaces {
  std::uint32_t octets = 0;
  std::size_t first = 0;
  std::uint64_t number = 0;
};

inline constexpr std::size_t kPartOctets = 96;

constexpr std::size_t PartsFor(std::size_t octets) {
  return (octets + kPartOctets - 1) / kPartOctets;
}

std::uint64_t NumberIn(const SocketContent& content);
bool IsFree(const SocketContent& content);
bool IsPart(const SocketContent& content);

// Whether it is exactly what ContentOf() makes of some record.
bool MakesSense(const SocketContent& content);

// Without the octets of its wishes: those are in the parts at `wishes`.
SocketContent ContentOf(std::uint64_t number, const SocketRecord& record,
                        const WishPlaces& wishes);

// REQUIRES (both): MakesSense(content).
SocketRecord RecordIn(const SocketContent& content);
WishPlaces WishesIn(const SocketContent& content);

// The number is the wishes'. `has_next` tells whether `next` is a place.
struct WishPart {
  std::uint64_t number = 0;
  bool has_next = false;
  std::size_t next = 0;
};

// REQUIRES: octets.size() <= kPartOctets.
SocketContent ContentOf(const WishPart& part, ConstBytes octets);

// REQUIRES (both): IsPart(content).
WishPart PartIn(const SocketContent& content);
// At most `most` octets, appended to `octets`.
void AppendOctets(const SocketContent& content, std::size_t most,
                  std::vector<std::uint8_t>& octets);

}  // namespace postern

#endif  // POSTERN_STATE_SOCKET_LAYOUT_H_
