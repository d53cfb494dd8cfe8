// SPDX-License-Identifier: Apache-2.0

#include "sadb/nat_mapping.h"

namespace postern {
namespace {

constexpr Duration kQuiet = std::chrono::seconds(1);

bool IsOutbound(const SaParameters& sa) {
  return sa.direction == Direction::kOutbound;
}

}  // namespace

NatMapping::NatMapping(const SaParameters& sa)
    : direction_(sa.direction),
      peer_(IsOutbound(sa) ? sa.destination : sa.source),
      own_port_(IsOutbound(sa) ? sa.encapsulation->source
                               : sa.encapsulation->destination),
      peer_port_(IsOutbound(sa) ? sa.encapsulation->destination
                                : sa.encapsulation->source) {}

UdpPorts NatMapping::ports() const {
  const std::uint16_t peer = peer_port_.load(std::memory_order_relaxed);
  return direction_ == Direction::kOutbound
             ? UdpPorts{.source = own_port_, .destination = peer}
             : UdpPorts{.source = peer, .destination = own_port_};
}

bool NatMapping::Note(const UdpOrigin& origin, Instant now) {
  const bool as_said =
      origin.port == peer_port_.load(std::memory_order_relaxed) &&
      origin.address == peer_;
  if (as_said) {
    return false;
  }
  const MutexLock lock(mutex_);
  if (seen_ == origin || now < quiet_until_) {
    return false;
  }
  seen_ = origin;
  quiet_until_ = now + kQuiet;
  return true;
}

std::optional<UdpOrigin> NatMapping::seen() const {
  const MutexLock lock(mutex_);
  return seen_;
}

}  // namespace postern
