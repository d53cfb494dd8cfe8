// SPDX-License-Identifier: Apache-2.0

#include "wire/tun_wire.h"

#include <algorithm>

namespace postern {

void TunWire::Send(Batch& batch, WorkerStats& stats) {
  const std::size_t largest = mtu();
  const auto fits = [largest](const Packet& packet) {
    return packet.size() <= largest;
  };
  if (std::all_of(batch.begin(), batch.end(), fits)) {
    device_->Send(batch, stats);
    return;
  }
  Batch fitting;
  for (Packet& packet : batch) {
    if (fits(packet)) {
      fitting.Push(std::move(packet));
    } else {
      stats.Drop(DropReason::kTooBig);
    }
  }
  batch.Clear();
  device_->Send(fitting, stats);
}

}  // namespace postern
