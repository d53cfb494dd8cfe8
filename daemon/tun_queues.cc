// SPDX-License-Identifier: Apache-2.0

#include "daemon/tun_queues.h"

#include <utility>

#include "core/log/log.h"

namespace postern {

Steering LoadSteering(std::size_t pairs) {
  if (pairs == 1) {
    return std::nullopt;
  }
  Result<SteeringProgram> loaded = SteeringProgram::Load();
  if (!loaded.ok()) {
    Log(LogLevel::kWarning, "one_pair_only",
        {{"reason", loaded.error().message}});
    return std::nullopt;
  }
  return std::move(*loaded);
}

Result<TunQueues> CreateTunQueues(const NetworkNamespace& where,
                                  const TunOptions& options,
                                  const Steering& steering, std::size_t pairs) {
  if (steering) {
    return TunDevice::CreateQueues(where, options, *steering, pairs);
  }
  Result<std::unique_ptr<TunDevice>> device = TunDevice::Create(where, options);
  if (!device.ok()) {
    return device.error();
  }
  TunQueues alone;
  alone.push_back(std::move(*device));
  return alone;
}

}  // namespace postern
