// SPDX-License-Identifier: Apache-2.0

#include "wire/packet_socket.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>
#include <span>
#include <utility>

#include "core/log/log.h"
#include "core/net/ipv6_extensions.h"
#include "core/net/protocols.h"
#include "wire/ethernet.h"
#include "wire/neighbour_discovery.h"
#include "wire/socket_buffers.h"

namespace postern {
namespace {

template <typename T>
Status Set(int fd, int option, const T& value, const char* name) {
  return ::setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)) == 0
             ? Ok()
             : Status(SystemError(
                   "setting " + std::string(name) + " of a packet socket",
                   errno));
}

constexpr sock_filter Load(unsigned size, unsigned at) {
  return BPF_STMT(static_cast<std::uint16_t>(BPF_LD | BPF_ABS | size), at);
}

// A filter's steps, by number; a jump counts from the step behind it.
struct Targets {
  std::uint8_t if_true;
  std::uint8_t if_false;
};

constexpr sock_filter Jump(std::uint8_t here, unsigned test, unsigned value,
                           Targets targets) {
  return BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | BPF_K | test), value,
                  static_cast<std::uint8_t>(targets.if_true - here - 1),
                  static_cast<std::uint8_t>(targets.if_false - here - 1));
}

constexpr std::uint8_t kAccept = 18;
constexpr std::uint8_t kReject = 19;
constexpr std::size_t kFilterSteps = 20;

// To our address; or to a group, and ARP or Neighbour Discovery. With a tag for no
// VLAN, which tells a priority alone, it may be ours.
std::array<sock_filter, kFilterSteps> FilterFor(const MacAddress& mac) {
  constexpr auto kIsTagged =
      static_cast<unsigned>(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT);
  constexpr auto kTag = static_cast<unsigned>(SKF_AD_OFF + SKF_AD_VLAN_TAG);
  constexpr unsigned kVlan = 0xfff;
  constexpr unsigned kTypeAt = 2 * MacAddress::kOctets;
  constexpr unsigned kNextHeaderAt = kEthernetHeaderSize + 6;
  constexpr unsigned kIcmpTypeAt = kEthernetHeaderSize + kIpv6HeaderSize;
  constexpr unsigned kWhole = 0x40000;
  const unsigned high = LoadBe<std::uint32_t>(mac.octets());
  const unsigned low = LoadBe<std::uint16_t>(mac.octets().subspan(4));
  return {{
      Load(BPF_W, kIsTagged),
      Jump(1, BPF_JEQ, 0, {4, 2}),
      Load(BPF_W, kTag),
      Jump(3, BPF_JSET, kVlan, {kReject, 4}),
      Load(BPF_W, 0),
      Jump(5, BPF_JEQ, high, {6, 8}),
      Load(BPF_H, 4),
      Jump(7, BPF_JEQ, low, {kAccept, kReject}),
      Load(BPF_B, 0),
      Jump(9, BPF_JSET, 1, {10, kReject}),  // a group
      Load(BPF_H, kTypeAt),
      Jump(11, BPF_JEQ, static_cast<unsigned>(EtherType::kArp), {kAccept, 12}),
      Jump(12, BPF_JEQ, static_cast<unsigned>(EtherType::kIpv6), {13, kReject}),
      Load(BPF_B, kNextHeaderAt),
      Jump(14, BPF_JEQ, Number(IpProtocol::kIcmpv6), {15, kReject}),
      Load(BPF_B, kIcmpTypeAt),
      Jump(16, BPF_JGE, 137, {kReject, 17}),
      Jump(17, BPF_JGE, 135, {kAccept, kReject}),
      BPF_STMT(BPF_RET | BPF_K, kWhole),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
}

Status AttachFilter(int fd, std::span<sock_filter> steps) {
  const sock_fprog program{static_cast<std::uint16_t>(steps.size()),
                           steps.data()};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
                      sizeof(program)) == 0
             ? Ok()
             : Status(SystemError("giving a packet socket its filter", errno));
}

// The device shall take frames to this address, too.
Status Join(int fd, int interface, const MacAddress& mac) {
  packet_mreq request{};
  request.mr_ifindex = interface;
  request.mr_type = mac.is_group() ? PACKET_MR_MULTICAST : PACKET_MR_UNICAST;
  request.mr_alen = MacAddress::kOctets;
  CopyBytes(request.mr_address, mac.octets());
  return Set(fd, PACKET_ADD_MEMBERSHIP, request, "PACKET_ADD_MEMBERSHIP");
}

std::set<MacAddress> AddressesOf(const PacketSocketOptions& options) {
  std::set<MacAddress> addresses = {options.mac};
  for (const IpAddress& own : options.addresses) {
    if (own.family() == IpFamily::kV6) {
      addresses.insert(MacAddress::OfGroup(SolicitedNodeGroup(own)));
      addresses.insert(MacAddress::OfGroup(AllNodesGroup()));
    }
  }
  return addresses;
}

Status Bind(int fd, int interface) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = interface;
  const void* opaque = &address;
  return ::bind(fd, static_cast<const sockaddr*>(opaque), sizeof(address)) == 0
             ? Ok()
             : Status(SystemError("binding a packet socket", errno));
}

// It is set up, and a cable is in: until then the kernel drops what is sent, and
// says that it was.
bool CarriesFrames(int flags) {
  constexpr int kBoth = IFF_UP | IFF_RUNNING;
  return (flags & kBoth) == kBoth;
}

// The kernel takes a socket off an interface that is deleted, for good.
bool IsUnbound(int fd) {
  sockaddr_ll address{};
  socklen_t size = sizeof(address);
  void* opaque = &address;
  return ::getsockname(fd, static_cast<sockaddr*>(opaque), &size) != 0 ||
         address.sll_ifindex == -1;
}

Error CannotOpen(int errno_value) {
  return errno_value == EPERM || errno_value == EACCES
             ? Error{ErrorCode::kForbidden,
                     "A packet wire needs CAP_NET_RAW in this network "
                     "namespace; run this as root, or under `unshare --user "
                     "--map-root-user --net`."}
             : SystemError("making a packet socket", errno_value);
}

}  // namespace

// NOLINTBEGIN(cppcoreguidelines-pro-type-vararg): ioctl is what it is
// NOLINTBEGIN(cppcoreguidelines-pro-type-union-access): so is ifreq

Result<PacketSocket::Interface> PacketSocket::Find(
    const PacketSocketOptions& options) {
  const std::string& name = options.interface;
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  if (name.size() >= IFNAMSIZ) {
    return Invalid("The interface name '" + name +
                   "' must have 1 to 15 characters.");
  }
  std::memcpy(request.ifr_name, name.data(), name.size());
  if (::ioctl(fd.get(), SIOCGIFINDEX, &request) != 0) {
    return Error{ErrorCode::kNotFound,
                 "There is no interface '" + name +
                     "' for the packet wire; `ip link` lists those there are."};
  }
  Interface interface { .name = name, .index = request.ifr_ifindex };
  if (::ioctl(fd.get(), SIOCGIFHWADDR, &request) != 0) {
    return SystemError("asking for the Ethernet address of " + name, errno);
  }
  std::array<std::uint8_t, MacAddress::kOctets> its{};
  std::memcpy(its.data(), request.ifr_hwaddr.sa_data, its.size());
  if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
    return Invalid("The interface '" + name +
                   "' is no Ethernet, which a packet wire needs; use a wire of "
                   "the kind \"tun\" or \"udp\".");
  }
  if (MacAddress(its) == options.mac) {
    return Invalid("The interface '" + name +
                   "' has the wire's Ethernet address " +
                   options.mac.ToString() +
                   " itself: leave [wire] mac out, or write another one.");
  }
  if (::ioctl(fd.get(), SIOCGIFMTU, &request) != 0) {
    return SystemError("asking for the MTU of " + name, errno);
  }
  interface.mtu_octets = static_cast<std::size_t>(request.ifr_mtu);
  if (::ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) {
    return SystemError("asking for the state of " + name, errno);
  }
  interface.flags = request.ifr_flags;
  if ((interface.flags & IFF_UP) == 0) {
    Log(LogLevel::kWarning, "wire_interface_is_down",
        {{"interface", name}, {"to_set_it_up", "ip link set " + name + " up"}});
  }
  return interface;
}

bool PacketSocket::IsUp() const {
  ifreq request{};
  request.ifr_ifindex = interface_.index;
  return ::ioctl(fd_.get(), SIOCGIFNAME, &request) == 0 &&
         ::ioctl(fd_.get(), SIOCGIFFLAGS, &request) == 0 &&
         CarriesFrames(request.ifr_flags);
}

// NOLINTEND(cppcoreguidelines-pro-type-union-access)
// NOLINTEND(cppcoreguidelines-pro-type-vararg)

bool PacketSocket::IsGone(DescriptorState state) {
  int error = 0;
  socklen_t size = sizeof(error);
  if (state == DescriptorState::kError &&
      ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
      error == ENETDOWN) {
    is_down_.store(true, std::memory_order_relaxed);
  }
  if (!is_down_.load(std::memory_order_relaxed)) {
    return false;
  }
  if (IsUnbound(fd_.get())) {
    return true;
  }
  if (IsUp()) {
    is_down_.store(false, std::memory_order_relaxed);
    on_return_();
  }
  return false;
}

std::optional<Instant> PacketSocket::NextDeadline() const {
  constexpr Duration kLookAgain = std::chrono::seconds(1);
  if (receiver_.has_more()) {  // and who called Receive() has given up
    return MonotonicNow();
  }
  return is_down_.load(std::memory_order_relaxed)
             ? std::optional(MonotonicNow() + kLookAgain)
             : std::nullopt;
}

// Nothing comes until it gets the right filter: before several sockets share,
// each would get all.
Result<UniqueFd> PacketSocket::Open(const PacketSocketOptions& options,
                                    const Interface& interface) {
  UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return CannotOpen(errno);
  }
  std::array<sock_filter, 1> nothing = {{BPF_STMT(BPF_RET | BPF_K, 0)}};
  if (Status set = AttachFilter(fd.get(), nothing); !set.ok()) {
    return set.error();
  }
  constexpr int kOn = 1;
  if (Status set = Set(fd.get(), PACKET_VNET_HDR, kOn, "PACKET_VNET_HDR");
      !set.ok()) {
    return set.error();
  }
  if (Status set =
          Set(fd.get(), PACKET_IGNORE_OUTGOING, kOn, "PACKET_IGNORE_OUTGOING");
      !set.ok()) {
    return set.error();
  }
  for (const MacAddress& address : AddressesOf(options)) {
    if (Status joined = Join(fd.get(), interface.index, address);
        !joined.ok()) {
      return joined.error();
    }
  }
  EnlargeBuffers(fd.get(), options.buffer_octets);
  if (Status bound = Bind(fd.get(), interface.index); !bound.ok()) {
    return bound.error();
  }
  return fd;
}

// The first makes the group, and tells its number.
Status PacketSocket::Share(const std::vector<UniqueFd>& sockets,
                           const Interface& interface) {
  // linux/if_packet.h has it from Linux 6.1 on.
  constexpr unsigned kIgnoreOutgoing = 0x4000;
  constexpr unsigned kKind = PACKET_FANOUT_HASH | kIgnoreOutgoing;
  constexpr unsigned kNumberBits = 16;
  unsigned group = (kKind | PACKET_FANOUT_FLAG_UNIQUEID) << kNumberBits;
  for (const UniqueFd& socket : sockets) {
    Status set = Set(socket.get(), PACKET_FANOUT, group, "PACKET_FANOUT");
    // Before Linux 6.13.
    if (!set.ok() && (interface.flags & IFF_UP) == 0) {
      return Error{
          ErrorCode::kUnavailable,
          "The interface '" + interface.name +
              "' is down, and several pairs of workers cannot share it "
              "then: set it up first (ip link set " +
              interface.name + " up)."};
    }
    if (!set.ok()) {
      return set;
    }
    socklen_t size = sizeof(group);
    if (::getsockopt(socket.get(), SOL_PACKET, PACKET_FANOUT, &group, &size) !=
        0) {
      return SystemError("asking for the number of a PACKET_FANOUT", errno);
    }
    group = (group & 0xffffU) | kKind << kNumberBits;
  }
  return Ok();
}

Result<std::vector<std::unique_ptr<PacketSocket>>> PacketSocket::CreateSeveral(
    const PacketSocketOptions& options, std::size_t count) {
  const Result<Interface> interface = Find(options);
  if (!interface.ok()) {
    return interface.error();
  }
  std::vector<UniqueFd> sockets;
  while (sockets.size() < count) {
    Result<UniqueFd> socket = Open(options, *interface);
    if (!socket.ok()) {
      return socket.error();
    }
    sockets.push_back(std::move(*socket));
  }
  if (count > 1) {
    if (Status shared = Share(sockets, *interface); !shared.ok()) {
      return shared.error();
    }
  }
  std::array<sock_filter, kFilterSteps> filter = FilterFor(options.mac);
  std::vector<std::unique_ptr<PacketSocket>> ports;
  for (UniqueFd& socket : sockets) {
    if (Status let_in = AttachFilter(socket.get(), filter); !let_in.ok()) {
      return let_in.error();
    }
    ports.push_back(std::unique_ptr<PacketSocket>(
        new PacketSocket(std::move(socket), *interface, options.on_return)));
  }
  return ports;
}

PacketSocket::PacketSocket(UniqueFd fd, const Interface& interface,
                           std::function<void()> on_return)
    : fd_(std::move(fd)),
      interface_(interface),
      on_return_(std::move(on_return)),
      is_down_(!CarriesFrames(interface.flags)),
      receiver_(fd_.get(), is_down_),
      sender_(fd_.get(), is_down_),
      back_sender_(fd_.get(), is_down_) {}

}  // namespace postern
