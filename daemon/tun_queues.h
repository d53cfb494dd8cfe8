// SPDX-License-Identifier: Apache-2.0
//
// The queues of a TUN or TAP, one for each pair of workers. Of several, all packets
// of a flow come out of one (tun/steering_program.h).
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_TUN_QUEUES_H_
#define POSTERN_DAEMON_TUN_QUEUES_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "core/error.h"
#include "tun/network_namespace.h"
#include "tun/steering_program.h"
#include "tun/tun_device.h"

namespace postern {

using TunQueues = std::vector<std::unique_ptr<TunDevice>>;

// What keeps flows in order where there are several pairs.
using Steering = std::optional<SteeringProgram>;

// Nothing for one pair; nor where the kernel refuses, with one line in the log:
// then there must be one pair.
Steering LoadSteering(std::size_t pairs);

// One queue without a steering program. Errors: those of TunDevice::Create().
Result<TunQueues> CreateTunQueues(const NetworkNamespace& where,
                                  const TunOptions& options,
                                  const Steering& steering, std::size_t pairs);

}  // namespace postern

#endif  // POSTERN_DAEMON_TUN_QUEUES_H_
