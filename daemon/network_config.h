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
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/net/ip_address.h"
#include "tun/tun_framing.h"
#include "wire/fault_injector.h"

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
  std::size_t mtu_octets = 1280;
  TunFraming framing = TunFraming::kVnetHeader;  // kPlain: no offload
  std::vector<OwnAddress> addresses;
};

struct WireConfig {
  std::string name;
  std::size_t mtu_octets = 1500;
  std::optional<std::string> record;  // a pcap file
  std::optional<FaultInjector::Plan> faults;
};

// How it is found out which socket sent a packet: by a BPF program that stamps
// it, or by a question to the kernel (sock_diag).
enum class Ownership : std::uint8_t { kBpf, kSockDiag };

// "bpf", "sock_diag".
std::string_view NameOf(Ownership ownership);

struct NetworkConfig {
  std::optional<std::string> namespace_name;  // as `ip netns` calls it
  std::optional<Ownership> ownership;  // empty: kBpf if the kernel lets us
  TunConfig tun;
  WireConfig wire;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_NETWORK_CONFIG_H_
