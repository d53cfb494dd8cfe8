// SPDX-License-Identifier: Apache-2.0
//
// A socket's wishes as a journal keeps them (policy/socket_journal.h):
//
//     | 1 | mine | peer | algorithms | least key bits (2) | shares (1) | cookie (8) |
//
// an identity as type, size and text (type and size 0: none), the algorithms
// as size and text, numbers in network order.
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_POLICY_WISH_OCTETS_H_
#define POSTERN_POLICY_WISH_OCTETS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "policy/socket_wishes.h"

namespace postern {

std::vector<std::uint8_t> OctetsOf(const SocketWishes& wishes);

// Nothing when they are not what OctetsOf() makes.
std::optional<SocketWishes> WishesIn(ConstBytes octets);

}  // namespace postern

#endif  // POSTERN_POLICY_WISH_OCTETS_H_
