// SPDX-License-Identifier: Apache-2.0
//
// The ports of a host's wire, one for each pair of workers, made in the daemon's
// own network namespace as the configuration says:
//
//     tun      queues of a TUN, to which the host's addresses are routed
//     udp      sockets
//     tap      queues of a TAP; the host answers for its addresses itself
//     packet   packet sockets on an interface; likewise
//
// Thread safety: Control-confined; the ports are used by the workers.

#ifndef POSTERN_DAEMON_WIRE_PORTS_H_
#define POSTERN_DAEMON_WIRE_PORTS_H_

#include <memory>
#include <vector>

#include "core/error.h"
#include "core/packet/packet_port.h"
#include "daemon/network_config.h"
#include "daemon/tun_queues.h"

namespace postern {

using WirePorts = std::vector<std::unique_ptr<PacketPort>>;

// With the recorder and the faults, if there are any. Chooses the Ethernet address
// where one is needed and `network` names none, and writes it there.
// Errors: those of the kernel, each with what was tried.
Result<WirePorts> CreateWirePorts(NetworkConfig& network,
                                  const Steering& steering);

// What is done when the host is ready for packets: the wire's interface, if it
// made one, is set up. Errors: likewise; kNotFound: there is no such bridge.
Status AttachWire(const NetworkConfig& network);

}  // namespace postern

#endif  // POSTERN_DAEMON_WIRE_PORTS_H_
