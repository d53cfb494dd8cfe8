// SPDX-License-Identifier: Apache-2.0

#include "tun/netlink.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace postern {
namespace {

// The kernel fills datagrams of at most 32 KB in a dump.
constexpr std::size_t kRoomOctets = 65536;

constexpr std::uint16_t kChange = NLM_F_REQUEST | NLM_F_ACK;
constexpr std::uint16_t kCreate = kChange | NLM_F_CREATE | NLM_F_EXCL;

std::uint8_t KernelFamily(IpFamily family) {
  return family == IpFamily::kV4 ? AF_INET : AF_INET6;
}

ErrorCode CodeOf(int errno_value) {
  switch (errno_value) {
    case ENODEV:
    case ENOENT:
    case ESRCH:
      return ErrorCode::kNotFound;
    case EEXIST:
      return ErrorCode::kExists;
    case EPERM:
    case EACCES:
      return ErrorCode::kForbidden;
    case EAFNOSUPPORT:
    case EOPNOTSUPP:
      return ErrorCode::kUnsupported;
    case EINVAL:
    case ERANGE:
      return ErrorCode::kInvalid;
    case EAGAIN:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kSystem;
  }
}

Error Explain(std::string_view what, const NetlinkRefusal& refusal) {
  Error error = SystemError(what, refusal.errno_value);
  error.code = CodeOf(refusal.errno_value);
  if (!refusal.words.empty()) {
    error.message += " (the kernel says: " + std::string(refusal.words) + ")";
  }
  if (error.code == ErrorCode::kForbidden) {
    error.message += "; run this with CAP_NET_ADMIN, for example as root";
  }
  return error;
}

std::string KindOf(ConstBytes link_info) {
  NetlinkAttributes attributes(link_info);
  while (const auto attribute = attributes.Next()) {
    if (attribute->type == IFLA_INFO_KIND) {
      return std::string(KernelText(attribute->value));
    }
  }
  return {};
}

std::optional<Link> ParseLink(const NetlinkMessage& message) {
  const auto info = LoadKernelStruct<ifinfomsg>(message.body);
  if (message.header.nlmsg_type != RTM_NEWLINK || !info) {
    return std::nullopt;
  }
  Link link;
  link.index = static_cast<std::uint32_t>(info->ifi_index);
  link.flags = info->ifi_flags;
  NetlinkAttributes attributes(message.body, sizeof(ifinfomsg));
  while (const auto attribute = attributes.Next()) {
    switch (attribute->type) {
      case IFLA_IFNAME:
        link.name = KernelText(attribute->value);
        break;
      case IFLA_MTU:
        link.mtu_octets =
            LoadKernelStruct<std::uint32_t>(attribute->value).value_or(0);
        break;
      case IFLA_LINKINFO:
        link.kind = KindOf(attribute->value);
        break;
      default:
        break;
    }
  }
  return link;
}

ifinfomsg LinkHeader(const Link& link) {
  ifinfomsg info{};
  info.ifi_family = AF_UNSPEC;
  info.ifi_index = static_cast<int>(link.index);
  return info;
}

}  // namespace

bool Link::is_loopback() const {
  return (flags & IFF_LOOPBACK) != 0;
}

LinkState Link::state() const {
  return (flags & IFF_UP) != 0 ? LinkState::kUp : LinkState::kDown;
}

Netlink::Netlink(NetlinkSocket socket)
    : socket_(std::move(socket)), room_(kRoomOctets) {}

Result<Netlink> Netlink::Open() {
  Result<NetlinkSocket> socket =
      NetlinkSocket::Open(NetlinkSocket::Protocol::kRoute);
  if (!socket) {
    return socket.error();
  }
  if (const Status set = socket->SetReceiveTimeout(kPatience); !set) {
    return set.error();
  }
  return Netlink(std::move(socket).value());
}

Result<Netlink> Netlink::OpenInside(const NetworkNamespace& inside) {
  return inside.RunInside([] { return Open(); });
}

std::optional<Status> Netlink::TakeAnswers(std::string_view what,
                                           ConstBytes datagram,
                                           std::uint32_t sequence,
                                           const Taker& take) {
  NetlinkMessages messages(datagram);
  while (const auto message = messages.Next()) {
    if (message->header.nlmsg_seq != sequence) {
      continue;  // the late answer to a request that was given up
    }
    if (message->header.nlmsg_type == NLMSG_DONE) {
      return Ok();
    }
    if (message->header.nlmsg_type == NLMSG_ERROR) {
      const NetlinkRefusal refusal = RefusalOf(*message);
      return refusal.errno_value == 0 ? Ok() : Explain(what, refusal);
    }
    take(*message);
  }
  return std::nullopt;
}

Status Netlink::Exchange(std::string_view what, NetlinkRequest& request,
                         const Taker& take) {
  const std::uint32_t sequence = socket_.NextSequence();
  const ConstBytes octets = request.Finish(sequence);
  if (!request.ok()) {
    return Explain(what, {EMSGSIZE, {}});
  }
  if (const int failed = socket_.Send(octets); failed != 0) {
    return Explain(what, {failed, {}});
  }
  while (true) {
    const Expected<ConstBytes, int> datagram = socket_.Receive(room_);
    if (!datagram) {
      return Explain(what, {datagram.error(), {}});
    }
    if (auto end = TakeAnswers(what, *datagram, sequence, take)) {
      return *end;
    }
  }
}

Status Netlink::Order(std::string_view what, NetlinkRequest& request) {
  return Exchange(what, request, [](const NetlinkMessage&) {});
}

Result<std::vector<Link>> Netlink::Links() {
  NetlinkRequest request(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP);
  request.PutStruct(LinkHeader(Link{}));
  std::vector<Link> links;
  const Status listed = Exchange("listing the network interfaces", request,
                                 [&links](const NetlinkMessage& message) {
                                   if (auto link = ParseLink(message)) {
                                     links.push_back(std::move(*link));
                                   }
                                 });
  if (!listed) {
    return listed.error();
  }
  return links;
}

Result<Link> Netlink::FindLink(const std::string& name) {
  Result<std::vector<Link>> links = Links();
  if (!links) {
    return links.error();
  }
  for (Link& link : *links) {
    if (link.name == name) {
      return std::move(link);
    }
  }
  return Error{ErrorCode::kNotFound,
               "There is no interface '" + name +
                   "' in this network namespace; create it first."};
}

Status Netlink::SetState(const std::string& link, LinkState state) {
  const Result<Link> found = FindLink(link);
  if (!found) {
    return found.error();
  }
  const bool up = state == LinkState::kUp;
  ifinfomsg info = LinkHeader(*found);
  info.ifi_change = IFF_UP;
  info.ifi_flags = up ? IFF_UP : 0;
  NetlinkRequest request(RTM_NEWLINK, kChange);
  request.PutStruct(info);
  return Order("bringing the interface " + link + (up ? " up" : " down"),
               request);
}

Status Netlink::SetMtu(const std::string& link, std::size_t octets) {
  const Result<Link> found = FindLink(link);
  if (!found) {
    return found.error();
  }
  constexpr std::size_t kLargest = 65535;
  if (octets > kLargest) {
    return Invalid("An MTU of " + std::to_string(octets) +
                   " octets is more than an IP packet can have; choose at "
                   "most 65535.");
  }
  NetlinkRequest request(RTM_NEWLINK, kChange);
  request.PutStruct(LinkHeader(*found));
  request.PutNumber(IFLA_MTU, static_cast<std::uint32_t>(octets));
  return Order("setting the MTU of the interface " + link + " to " +
                   std::to_string(octets),
               request);
}

Status Netlink::SetQueueLength(const std::string& link, std::size_t packets) {
  const Result<Link> found = FindLink(link);
  if (!found) {
    return found.error();
  }
  NetlinkRequest request(RTM_NEWLINK, kChange);
  request.PutStruct(LinkHeader(*found));
  request.PutNumber(IFLA_TXQLEN, static_cast<std::uint32_t>(packets));
  return Order("setting the queue length of the interface " + link + " to " +
                   std::to_string(packets),
               request);
}

Status Netlink::SetMaster(const std::string& link, const std::string& bridge) {
  const Result<Link> found = FindLink(link);
  const Result<Link> master = FindLink(bridge);
  if (!found || !master) {
    return found ? master.error() : found.error();
  }
  NetlinkRequest request(RTM_NEWLINK, kChange);
  request.PutStruct(LinkHeader(*found));
  request.PutNumber(IFLA_MASTER, master->index);
  return Order("making the interface " + link + " a port of " + bridge,
               request);
}

Status Netlink::DisableAddressGeneration(const std::string& link) {
  const Result<Link> found = FindLink(link);
  if (!found) {
    return found.error();
  }
  NetlinkRequest request(RTM_NEWLINK, kChange);
  request.PutStruct(LinkHeader(*found));
  const std::size_t families = request.BeginNest(IFLA_AF_SPEC);
  const std::size_t ipv6 = request.BeginNest(AF_INET6);
  request.PutNumber(IFLA_INET6_ADDR_GEN_MODE,
                    std::uint8_t{IN6_ADDR_GEN_MODE_NONE});
  request.EndNest(ipv6);
  request.EndNest(families);
  return Order("turning off IPv6 address generation on the interface " + link,
               request);
}

Status Netlink::AddAddress(const std::string& link,
                           const InterfaceAddress& address) {
  const std::string text =
      address.address.ToString() + "/" + std::to_string(address.prefix_length);
  if (address.prefix_length > BitsOf(address.address.family())) {
    return Invalid("The address " + text +
                   " has a longer prefix than its family has bits; use at "
                   "most " +
                   std::to_string(BitsOf(address.address.family())) + ".");
  }
  const Result<Link> found = FindLink(link);
  if (!found) {
    return found.error();
  }
  ifaddrmsg header{};
  header.ifa_family = KernelFamily(address.address.family());
  header.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix_length);
  header.ifa_scope = RT_SCOPE_UNIVERSE;
  header.ifa_index = found->index;
  NetlinkRequest request(RTM_NEWADDR, kCreate);
  request.PutStruct(header);
  request.PutAttribute(IFA_LOCAL, address.address.octets());
  request.PutAttribute(IFA_ADDRESS, address.address.octets());
  request.PutNumber(IFA_FLAGS,
                    std::uint32_t{IFA_F_NODAD | IFA_F_NOPREFIXROUTE});
  return Order("adding the address " + text + " to the interface " + link,
               request);
}

Result<bool> Netlink::IsLocal(const IpAddress& address) {
  rtmsg header{};
  header.rtm_family = KernelFamily(address.family());
  header.rtm_dst_len = static_cast<std::uint8_t>(BitsOf(address.family()));
  NetlinkRequest request(RTM_GETROUTE, kChange);
  request.PutStruct(header);
  request.PutAttribute(RTA_DST, address.octets());
  bool local = false;
  const Status asked =
      Exchange("looking up the route to " + address.ToString(), request,
               [&local](const NetlinkMessage& message) {
                 const auto route = LoadKernelStruct<rtmsg>(message.body);
                 local = route.has_value() && route->rtm_type == RTN_LOCAL;
               });
  if (!asked.ok() && asked.error().code == ErrorCode::kForbidden) {
    return asked.error();
  }
  return local;  // no route at all is an answer, too
}

Status Netlink::AwaitLocal(const IpAddress& address,
                           std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < end) {
    const Result<bool> local = IsLocal(address);
    if (!local) {
      return local.error();
    }
    if (*local) {
      return Ok();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return Error{ErrorCode::kUnavailable,
               "The kernel does not take packets for " + address.ToString() +
                   " though its interface has that address; see 'ip route "
                   "show table local'."};
}

Status Netlink::ChangeRoute(std::string_view what, const LinkRoute& route,
                            NetlinkRequest request) {
  const Result<Link> found = FindLink(route.link);
  if (!found) {
    return found.error();
  }
  const IpFamily family = route.prefix.address().family();
  rtmsg header{};
  header.rtm_family = KernelFamily(family);
  header.rtm_dst_len = static_cast<std::uint8_t>(route.prefix.length());
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope =
      family == IpFamily::kV4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  request.PutStruct(header);
  if (route.prefix.length() > 0) {
    request.PutAttribute(RTA_DST, route.prefix.address().octets());
  }
  request.PutNumber(RTA_OIF, found->index);
  if (route.source) {
    request.PutAttribute(RTA_PREFSRC, route.source->octets());
  }
  return Order(std::string(what) + " the route to " + route.prefix.ToString() +
                   " by the interface " + route.link,
               request);
}

Status Netlink::AddRoute(const LinkRoute& route) {
  return ChangeRoute("adding", route, NetlinkRequest(RTM_NEWROUTE, kCreate));
}

Status Netlink::RemoveRoute(const LinkRoute& route) {
  return ChangeRoute("removing", route, NetlinkRequest(RTM_DELROUTE, kChange));
}

}  // namespace postern
