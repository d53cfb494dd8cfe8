// SPDX-License-Identifier: Apache-2.0
//
// The peers of a udp wire, by configuration: whose IPsec address is reached at
// which endpoint.
//
//     host            the outer address of the pipeline's ESP packets
//     at              where its datagrams go to and come from
//
// A datagram does not say which of a peer's addresses it belongs to, so that one
// endpoint is one address: a host with an IPv4 and an IPv6 address is two peers
// at two endpoints. For the same reason this host is known by one address of
// each family, the first of its own.
//
// Thread safety: Immutable. Cost: a look-up is one keyed hash.

#ifndef POSTERN_WIRE_UDP_PEERS_H_
#define POSTERN_WIRE_UDP_PEERS_H_

#include <cstddef>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/error.h"
#include "core/net/ip_address.h"
#include "wire/udp_endpoint.h"
#include "wire/udp_framing.h"

namespace postern {

struct UdpPeer {
  IpAddress host;
  UdpEndpoint at;
};

// The first address of each family.
std::optional<IpAddress> FirstOf(IpFamily family,
                                 std::span<const IpAddress> addresses);

// By how much an IP packet grows at most on the way to one of these peers: its
// header gives way to the outer one and UDP's. Never less than 0.
std::size_t UdpOverhead(std::span<const UdpPeer> peers);

class UdpPeers {
 public:
  struct Entry {
    UdpPeer peer;
    SocketAddress address;
    RebuiltHeader header;  // from the peer to this host
  };

  // Errors: kInvalid: a host or an endpoint twice; a peer of a family in which
  // this host has no address; no peer at all.
  static Result<UdpPeers> Create(std::span<const UdpPeer> peers,
                                 std::span<const IpAddress> own_addresses);

  // Null when there is no such peer. The entries stay where they are as long as
  // this object does, also when it moves.
  const Entry* FindHost(const IpAddress& host) const;
  const Entry* FindAt(const UdpEndpoint& at) const;

 private:
  UdpPeers() = default;

  std::vector<Entry> entries_;
  std::unordered_map<IpAddress, const Entry*> by_host_;
  std::unordered_map<UdpEndpoint, const Entry*, UdpEndpointHash> by_endpoint_;
};

}  // namespace postern

#endif  // POSTERN_WIRE_UDP_PEERS_H_
