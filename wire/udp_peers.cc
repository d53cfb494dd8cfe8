// SPDX-License-Identifier: Apache-2.0

#include "wire/udp_peers.h"

#include <algorithm>
#include <string>

#include "core/net/udp_encapsulation.h"

namespace postern {

std::optional<IpAddress> FirstOf(IpFamily family,
                                 std::span<const IpAddress> addresses) {
  const auto found = std::ranges::find(addresses, family, &IpAddress::family);
  return found == addresses.end() ? std::nullopt : std::optional(*found);
}

std::size_t UdpOverhead(std::span<const UdpPeer> peers) {
  std::size_t most = 0;
  for (const UdpPeer& peer : peers) {
    const std::size_t outer =
        IpHeaderOctets(peer.at.address.family()) + kUdpHeaderOctets;
    const std::size_t given_back = IpHeaderOctets(peer.host.family());
    most = std::max(most, outer - std::min(outer, given_back));
  }
  return most;
}

Result<UdpPeers> UdpPeers::Create(std::span<const UdpPeer> peers,
                                  std::span<const IpAddress> own_addresses) {
  if (peers.empty()) {
    return Invalid(
        "a udp wire needs a peer: write a [[wire.peer]] with its host and "
        "where it is, at.");
  }
  UdpPeers made;
  made.entries_.reserve(peers.size());
  for (const UdpPeer& peer : peers) {
    const std::optional<IpAddress> own =
        FirstOf(peer.host.family(), own_addresses);
    if (!own) {
      return Invalid("this host has no address of the family of its peer " +
                     peer.host.ToString() +
                     ": give it one in [tun] addresses, or remove the peer.");
    }
    made.entries_.push_back({.peer = peer,
                             .address = SocketAddress(peer.at),
                             .header = RebuiltHeader(peer.host, *own)});
    const Entry* entry = &made.entries_.back();
    if (!made.by_host_.emplace(peer.host, entry).second) {
      return Invalid("the peer " + peer.host.ToString() +
                     " is there twice: remove one of them.");
    }
    if (!made.by_endpoint_.emplace(peer.at, entry).second) {
      return Invalid("two peers are at " + peer.at.ToString() +
                     ", and a datagram does not say whose it is: give each of "
                     "a host's addresses an endpoint of its own.");
    }
  }
  return made;
}

const UdpPeers::Entry* UdpPeers::FindHost(const IpAddress& host) const {
  const auto found = by_host_.find(host);
  return found == by_host_.end() ? nullptr : found->second;
}

const UdpPeers::Entry* UdpPeers::FindAt(const UdpEndpoint& at) const {
  const auto found = by_endpoint_.find(at);
  return found == by_endpoint_.end() ? nullptr : found->second;
}

}  // namespace postern
