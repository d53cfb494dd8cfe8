// SPDX-License-Identifier: Apache-2.0

#include "daemon/wire_limits.h"

#include <algorithm>

namespace postern {
namespace {

Error Unsupported(std::string message) {
  return {ErrorCode::kUnsupported, std::move(message)};
}

}  // namespace

WireLimits::WireLimits(const NetworkConfig& network) {
  if (CarriesAnyIpPacket(network.wire.kind)) {
    return;
  }
  carries_ = Carries::kEspToPeers;
  const std::vector<IpAddress> own = network.OwnAddresses();
  for (const IpFamily family : {IpFamily::kV4, IpFamily::kV6}) {
    if (const auto first = FirstOf(family, own)) {
      own_.push_back(*first);
    }
  }
  for (const UdpPeer& peer : network.wire.peers) {
    peers_.push_back(peer.host);
  }
}

bool WireLimits::IsPeer(const IpAddress& host) const {
  return std::ranges::find(peers_, host) != peers_.end();
}

Status WireLimits::Check(const LevelSet& levels) const {
  const Level ah = levels.of(Category::kAh);
  const bool demands = ah != Level::kBypass && ah >= Level::kUse;
  if (carries_ == Carries::kEverything || !demands) {
    return Ok();
  }
  return Unsupported(
      "the host's udp wire carries ESP only, so that no packet could ever have "
      "AH, which the level " +
      std::string(NameOf(ah)) +
      " demands: use esp_transport or esp_network, or a wire of the kind "
      "\"tun\".");
}

Status WireLimits::Check(const SaParameters& parameters) const {
  if (carries_ == Carries::kEverything) {
    return Ok();
  }
  if (parameters.protocol != IpsecProtocol::kEsp) {
    return Unsupported(
        "the host's udp wire carries ESP only: make this an SA of the protocol "
        "esp, or use a wire of the kind \"tun\".");
  }
  if (parameters.encapsulation) {
    return Unsupported(
        "the host's udp wire puts all ESP in UDP itself: leave udp away, or "
        "use "
        "a wire of the kind \"tun\".");
  }
  const bool out = parameters.direction == Direction::kOutbound;
  const IpAddress& here = out ? parameters.source : parameters.destination;
  const IpAddress& there = out ? parameters.destination : parameters.source;
  if (!IsPeer(there)) {
    return Unsupported("the host's udp wire has no peer " + there.ToString() +
                       ": add a [[wire.peer]] with this host to the "
                       "configuration, or correct the SA's " +
                       (out ? "destination." : "source."));
  }
  const auto known = FirstOf(here.family(), own_);
  if (!known || here != *known) {
    return Unsupported(
        "the peers of a udp wire know this host by the first of "
        "its addresses in each family" +
        (known ? ", " + known->ToString() : std::string()) +
        ": make the SA for that one instead of " + here.ToString() + ".");
  }
  return Ok();
}

Status WireLimits::CheckGateway(const Route& route) const {
  if (carries_ == Carries::kEverything || !route.gateway ||
      IsPeer(*route.gateway)) {
    return Ok();
  }
  return Unsupported("the host's udp wire has no peer " +
                     route.gateway->ToString() +
                     ", so that no tunnel can end there: add a [[wire.peer]] "
                     "with this host to the configuration.");
}

}  // namespace postern
