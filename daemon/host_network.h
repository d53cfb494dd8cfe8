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
// That is a wire of the kind tun; of others daemon/wire_ports.h tells.
//
// With several pairs the TUN has as many queues and the wire as many ports: the
// kernel gives all packets of a flow to one of them, in each direction. Where it
// refuses the program that this takes (tun/steering_program.h), there is one pair
// and one line in the log: order is not given up.
//
// Everything goes with this object, except a namespace that has a name.
//
// Thread safety: Control-confined; the ports are used by the workers.

#ifndef POSTERN_DAEMON_HOST_NETWORK_H_
#define POSTERN_DAEMON_HOST_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/error.h"
#include "core/packet/packet_port.h"
#include "daemon/network_config.h"
#include "daemon/tun_queues.h"
#include "daemon/wire_ports.h"
#include "tun/network_namespace.h"
#include "tun/tun_device.h"

namespace postern {

class HostNetwork {
 public:
  // Errors: those of the kernel, each with what was tried; kInvalid: [tun] mtu is
  // more than the wire turned out to carry.
  static Result<std::unique_ptr<HostNetwork>> Create(NetworkConfig wanted);

  const NetworkNamespace& inside() const { return inside_; }

  // With every MTU as it became.
  const NetworkConfig& config() const { return config_; }

  // How many there became.
  std::size_t pairs() const { return tun_.size(); }

  // REQUIRES: pair < pairs().
  PacketPort& tun(std::size_t pair) { return *tun_[pair]; }

  // What the kernel leaves to us of the TUN's packets.
  TunOffload tun_offload() const { return tun_.front()->offload(); }

  std::uint32_t tun_index() const { return tun_.front()->index(); }

  // How the outbound packets' owners are found out.
  Ownership ownership() const { return ownership_; }

  // With the recorder and the faults, if there are any. All record into one
  // file. REQUIRES: pair < pairs().
  PacketPort& wire(std::size_t pair) { return *wire_[pair]; }

 private:
  HostNetwork(NetworkConfig config, NetworkNamespace inside, TunQueues tun,
              Ownership ownership, WirePorts wire);

  const NetworkConfig config_;
  NetworkNamespace inside_;
  TunQueues tun_;
  Ownership ownership_;
  WirePorts wire_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_HOST_NETWORK_H_
