// SPDX-License-Identifier: Apache-2.0

#include "policy/raw_sockets.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/net/icmp_error.h"
#include "core/net/ipv6_extensions.h"

namespace postern {
namespace {

// A raw IPv6 socket of an extension header's protocol gets every packet that
// has such a header; we do not look for it.
constexpr std::size_t kEveryIpv6Packet = 0x200;

std::size_t PlaceOf(IpFamily family, std::uint8_t protocol) {
  const std::size_t number = protocol;
  return family == IpFamily::kV4 ? number : number | 0x100U;
}

bool IsExtension(std::uint8_t protocol) {
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::kHopByHop:
    case IpProtocol::kRouting:
    case IpProtocol::kFragment:
    case IpProtocol::kDestinationOptions:
    case IpProtocol::kMobility:
    case IpProtocol::kHip:
    case IpProtocol::kShim6:
      return true;
    default:
      return false;
  }
}

std::size_t PlaceOf(const RawSockets::Socket& socket) {
  return socket.family == IpFamily::kV6 && IsExtension(socket.protocol)
             ? kEveryIpv6Packet
             : PlaceOf(socket.family, socket.protocol);
}

bool IsEchoReply(IpFamily family, std::uint8_t type) {
  return type == (family == IpFamily::kV4 ? 0 : 129);
}

}  // namespace

void RawSockets::Add(const Socket& socket) {
  const MutexLock lock(mutex_);
  std::vector<Socket>& others = sockets_[PlaceOf(socket)];
  if (std::ranges::find(others, socket.cookie, &Socket::cookie) ==
      others.end()) {
    others.push_back(socket);
    size_.fetch_add(1, std::memory_order_acq_rel);
  }
}

bool RawSockets::Has(SocketCookie cookie) const {
  const MutexLock lock(mutex_);
  return std::ranges::any_of(sockets_, [cookie](const auto& entry) {
    return std::ranges::find(entry.second, cookie, &Socket::cookie) !=
           entry.second.end();
  });
}

template <typename Concerns>
LevelSet RawSockets::Demand(std::size_t place, Concerns&& concerns) const {
  LevelSet demand;
  const MutexLock lock(mutex_);
  const auto found = sockets_.find(place);
  if (found == sockets_.end()) {
    return demand;
  }
  for (const Socket& socket : found->second) {
    if (concerns(socket)) {
      demand = Stricter(demand, socket.policy->levels());
    }
  }
  return demand;
}

LevelSet RawSockets::Inbound(const IpView& packet) const {
  if (size() == 0) {
    return {};
  }
  const IpFamily family = packet.family();
  if (IsIcmpError(packet)) {
    return {};
  }
  const std::optional<std::uint8_t> type = IcmpTypeOf(packet);
  const bool replies = type && IsEchoReply(family, *type);
  const LevelSet demand = Demand(PlaceOf(family, packet.protocol()),
                                 [replies](const Socket& socket) {
                                   return replies || socket.kind == Kind::kRaw;
                                 });
  if (family == IpFamily::kV4) {
    return demand;
  }
  return Stricter(demand,
                  Demand(kEveryIpv6Packet, [](const Socket&) { return true; }));
}

LevelSet RawSockets::Outbound(IpFamily family, std::uint8_t protocol) const {
  if (size() == 0) {
    return {};
  }
  return Demand(PlaceOf(family, protocol), [](const Socket&) { return true; });
}

std::vector<SocketCookie> RawSockets::Retain(
    const std::vector<SocketCookie>& open) {
  std::vector<SocketCookie> gone;
  const MutexLock lock(mutex_);
  for (auto& [place, sockets] : sockets_) {
    std::erase_if(sockets, [&](const Socket& socket) {
      const bool closed = !std::ranges::binary_search(open, socket.cookie);
      if (closed) {
        gone.push_back(socket.cookie);
      }
      return closed;
    });
  }
  size_.fetch_sub(gone.size(), std::memory_order_acq_rel);
  return gone;
}

}  // namespace postern
