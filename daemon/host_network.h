// SPDX-License-Identifier: Apache-2.0
//
// A virtual host's network, made as the configuration says:
//
//     host namespace (sealed)                outer namespace (the daemon's)
//     +---------------------------+          +------------------------------+
//     | lo                        |          | wire   no address            |
//     | tun0  10.9.0.1, fd00:9::1 |          |        route 10.9.0.1/32     |
//     |       default route       |          |        route fd00:9::1/128   |
//     +-------------|-------------+          +------|-----------------------+
//                   +------ posternd's workers -----+
//
// A wire of the kind udp has sockets in place of an interface and routes.
//
// Everything goes with this object, except a namespace that has a name.
//
// Thread safety: Control-confined; the ports are used by the workers.

#ifndef POSTERN_DAEMON_HOST_NETWORK_H_
#define POSTERN_DAEMON_HOST_NETWORK_H_

#include <cstdint>
#include <memory>

#include "core/error.h"
#include "core/packet/packet_port.h"
#include "daemon/network_config.h"
#include "tun/network_namespace.h"
#include "tun/tun_device.h"

namespace postern {

class HostNetwork {
 public:
  // Errors: those of the kernel, each with what was tried; kInvalid: [tun] mtu is
  // more than the wire turned out to carry.
  static Result<std::unique_ptr<HostNetwork>> Create(
      const NetworkConfig& wanted);

  const NetworkNamespace& inside() const { return inside_; }

  // With every MTU as it became.
  const NetworkConfig& config() const { return config_; }

  PacketPort& tun() { return *tun_; }

  // What the kernel leaves to us of the TUN's packets.
  TunOffload tun_offload() const { return tun_->offload(); }

  std::uint32_t tun_index() const { return tun_->index(); }

  // How the outbound packets' owners are found out.
  Ownership ownership() const { return ownership_; }

  // With the recorder and the faults, if there are any.
  PacketPort& wire() { return *wire_; }

 private:
  HostNetwork(NetworkConfig config, NetworkNamespace inside,
              std::unique_ptr<TunDevice> tun, Ownership ownership,
              std::unique_ptr<PacketPort> wire);

  const NetworkConfig config_;
  NetworkNamespace inside_;
  std::unique_ptr<TunDevice> tun_;
  Ownership ownership_;
  std::unique_ptr<PacketPort> wire_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_HOST_NETWORK_H_
