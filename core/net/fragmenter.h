// SPDX-License-Identifier: Apache-2.0
//
// Cuts a packet of this host into fragments (RFC 791 3.2, RFC 8200 4.5): every
// part but the last has a multiple of eight octets of data. IPv4 options without
// the copied flag stay with the first. The first fragment of an IPv6 packet has
// all headers (RFC 7112), or nothing is cut.
//
// DF is cleared: who asks has decided that this packet may be cut, because its
// header is this host's own (an outer one), or its sender allows it. A fragment
// of IPv4 may be cut further; one of IPv6 may not.
//
// Thread safety: a plain function.
// Cost: a copy of the packet. Allocates; nothing that is cut is cheap.

#ifndef POSTERN_CORE_NET_FRAGMENTER_H_
#define POSTERN_CORE_NET_FRAGMENTER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/drop_reason.h"
#include "core/net/ip_view.h"
#include "core/packet/packet.h"

namespace postern {

// Appends the fragments of `whole` to `pieces`, in order, each of at most `mtu`
// octets, from the pool of `whole`, which stays as it is. `id` is the
// identification of IPv6 fragments; those of IPv4 keep the packet's. After an
// error `pieces` is as it was.
// REQUIRES: `view` is whole's, which ends where the view does.
// Errors: kTooBig (mtu leaves no room for eight octets, or for all headers of
//   IPv6; an IPv6 fragment), kPoolEmpty.
Passage CutIntoFragments(const Packet& whole, const IpView& view,
                         std::size_t mtu, std::uint32_t id,
                         std::vector<Packet>& pieces);

}  // namespace postern

#endif  // POSTERN_CORE_NET_FRAGMENTER_H_
