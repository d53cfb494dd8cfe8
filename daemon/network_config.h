// SPDX-License-Identifier: Apache-2.0
//
// How a virtual host is attached: its TUN and addresses inside its namespace,
// and its wire outside.
//
// Thread safety: plain values.

#ifndef POSTERN_DAEMON_NETWORK_CONFIG_H_
#define POSTERN_DAEMON_NETWORK_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/net/ip_address.h"
#include "tun/tun_framing.h"
#include "wire/fault_injector.h"
#include "wire/mac_address.h"
#include "wire/udp_peers.h"
#include "wire/wire.h"

namespace postern {

// An address of the host, with the length of the prefix it is configured with.
struct OwnAddress {
  IpAddress address;
  unsigned prefix_length = 0;

  // "10.9.0.1/24"; without a length the address is alone in its prefix.
  // Errors: kInvalid.
  static Result<OwnAddress> Parse(std::string_view text);
};

struct TunConfig {
  std::string name = "tun0";
  std::optional<std::size_t> mtu_octets;  // else what the wire leaves room for
  TunFraming framing = TunFraming::kVnetHeader;  // kPlain: no offload
  std::vector<OwnAddress> addresses;

  // In which there are addresses.
  std::set<IpFamily> Families() const;
};

struct WireConfig {
  WireKind kind = WireKind::kTun;
  // kTun, kTap: the interface and its MTU; kPacket: the interface that is used.
  std::string name;
  std::size_t mtu_octets = 1500;
  // kUdp: at most one endpoint of each family, who is reached, and the MTU on
  // the way, else that of the interfaces that listen.
  std::vector<UdpEndpoint> listen;
  std::vector<UdpPeer> peers;
  std::optional<std::size_t> path_mtu_octets;  // kPacket: at most so much
  // kTap, kPacket: the host's Ethernet address, else one by chance, and the
  // routers, one of each family at most. kTap: the bridge it is a port of.
  std::optional<MacAddress> mac;
  std::vector<IpAddress> gateways;
  std::optional<std::string> bridge;

  std::optional<std::string> record;  // a pcap file
  std::optional<FaultInjector::Plan> faults;
};

// How it is found out which socket sent a packet: by a BPF program that stamps
// it, or by a question to the kernel (sock_diag).
enum class Ownership : std::uint8_t { kBpf, kSockDiag };

// "bpf", "sock_diag".
std::string_view NameOf(Ownership ownership);

struct NetworkConfig {
  // Queues of the TUN, and ports of the wire: one of each for every pair.
  std::size_t pairs = 1;
  std::optional<std::string> namespace_name;  // as `ip netns` calls it
  std::optional<Ownership> ownership;  // empty: kBpf if the kernel lets us
  TunConfig tun;
  WireConfig wire;

  std::vector<IpAddress> OwnAddresses() const;
};

inline constexpr std::size_t kLeastMtu = 1280;  // IPv6's (RFC 8200 5)
inline constexpr std::size_t kMostMtu = 9216;   // what a pool's packet holds

// The largest IP packet that the wire carries; nothing if that is only known
// once it is there.
std::optional<std::size_t> MtuOf(const WireConfig& wire);

// The MTU of a TUN over such a wire: any bundle still fits, but it is never less
// than IPv6 needs.
std::size_t TunMtuOver(std::size_t wire_mtu_octets);

}  // namespace postern

#endif  // POSTERN_DAEMON_NETWORK_CONFIG_H_
