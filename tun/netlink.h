// SPDX-License-Identifier: Apache-2.0
//
// Netlink sets up links, addresses and routes of one network namespace through
// rtnetlink, as `ip link`, `ip address` and `ip route` do.
//
//     auto netlink = Netlink::OpenInside(host);
//     netlink->DisableAddressGeneration("postern0");
//     netlink->AddAddress("postern0", {address, 32});
//     netlink->SetState("postern0", LinkState::kUp);
//     netlink->AddRoute({.prefix = everything, .link = "postern0"});
//
// An error is told as what was tried and the kernel's own reason. Errors, of
// every function: kNotFound (no such link or route), kExists, kForbidden (no
// CAP_NET_ADMIN in the namespace), kUnsupported (for example IPv6 is off),
// kInvalid (the kernel says EINVAL), kUnavailable (no answer), kSystem.
//
// Thread safety: Control-confined.
// Cost: one or two netlink round trips each.

#ifndef POSTERN_TUN_NETLINK_H_
#define POSTERN_TUN_NETLINK_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/net/ip_address.h"
#include "tun/netlink_message.h"
#include "tun/netlink_socket.h"
#include "tun/network_namespace.h"

namespace postern {

enum class LinkState : std::uint8_t { kDown, kUp };

struct Link {
  std::uint32_t index = 0;
  std::string name;
  std::string kind;  // "tun", "veth", ...; empty for lo and hardware
  std::uint32_t mtu_octets = 0;
  std::uint32_t flags = 0;  // IFF_UP, IFF_LOOPBACK, ...

  bool is_loopback() const;
  LinkState state() const;
};

// An address of an interface: unlike an IpPrefix it keeps its host bits.
struct InterfaceAddress {
  IpAddress address;
  unsigned prefix_length = 32;
};

struct LinkRoute {
  IpPrefix prefix;  // 0.0.0.0/0 or ::/0: the family's default route
  std::string link;
  std::optional<IpAddress> source = std::nullopt;  // preferred for new sockets
};

class Netlink {
 public:
  // How long the kernel may take for an answer.
  static constexpr std::chrono::milliseconds kPatience{5000};

  // For the namespace of the calling thread.
  static Result<Netlink> Open();

  // For another one. Errors: those of NetworkNamespace::RunInside(), too.
  static Result<Netlink> OpenInside(const NetworkNamespace& inside);

  Result<std::vector<Link>> Links();

  Result<Link> FindLink(const std::string& name);

  Status SetState(const std::string& link, LinkState state);

  Status SetMtu(const std::string& link, std::size_t octets);

  // How many packets may wait to be sent on it.
  Status SetQueueLength(const std::string& link, std::size_t packets);

  // Makes the link a port of a bridge.
  Status SetMaster(const std::string& link, const std::string& bridge);

  // The kernel shall make no link-local address for this link by itself, and so
  // sends no router solicitations either. Best before the link comes up.
  Status DisableAddressGeneration(const std::string& link);

  // Usable at once (no duplicate address detection) and without a route to its
  // prefix: routes are what AddRoute() adds.
  Status AddAddress(const std::string& link, const InterfaceAddress& address);

  // Returns once packets to `address` are for this namespace itself. The kernel
  // routes a new IPv6 address in a work queue of its own, when its link is up:
  // until then it drops what comes for it, though a socket can be bound to it.
  // Errors: kUnavailable when that takes longer than `patience`.
  Status AwaitLocal(const IpAddress& address,
                    std::chrono::milliseconds patience = kPatience);

  // By device, without a gateway, in the main table.
  Status AddRoute(const LinkRoute& route);
  Status RemoveRoute(const LinkRoute& route);

 private:
  explicit Netlink(NetlinkSocket socket);

  using Taker = std::function<void(const NetlinkMessage&)>;

  // Hands the answers in one datagram to `take`; tells how it ended, if it did.
  static std::optional<Status> TakeAnswers(std::string_view what,
                                           ConstBytes datagram,
                                           std::uint32_t sequence,
                                           const Taker& take);

  // Sends `request` and hands every answer to `take` until the last one.
  Status Exchange(std::string_view what, NetlinkRequest& request,
                  const Taker& take);

  // Sends `request`, which asks for nothing but an acknowledgement.
  Status Order(std::string_view what, NetlinkRequest& request);

  // Whether the kernel would keep a packet to `address` here, now.
  Result<bool> IsLocal(const IpAddress& address);

  Status ChangeRoute(std::string_view what, const LinkRoute& route,
                     NetlinkRequest request);

  NetlinkSocket socket_;
  std::vector<std::uint8_t> room_;
};

}  // namespace postern

#endif  // POSTERN_TUN_NETLINK_H_
