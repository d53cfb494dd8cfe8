// SPDX-License-Identifier: Apache-2.0
//
// The wire of kind `tun`: a second TUN, in the outer namespace, whose kernel
// routes the virtual host's packets like those of a virtual machine. tcpdump on
// it sees the wire.
//
// The device comes from outside (tun/tun_device.h makes one, tests give an
// in-memory port), because a wire knows nothing of the layer tun/:
//
//     auto device = TunDevice::Create(outer, {.name = "postern-wire0"});
//     TunWire wire(std::move(device).value());
//
// What the wire adds to its device is its identity and its MTU: a packet larger
// than mtu() is dropped as kTooBig, never handed to a kernel that would take it
// and fragment what we have sealed.
//
// Thread safety: as PacketPort.
// Cost: the device's.

#ifndef POSTERN_WIRE_TUN_WIRE_H_
#define POSTERN_WIRE_TUN_WIRE_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "core/packet/packet_port.h"
#include "wire/wire.h"

namespace postern {

class TunWire : public Wire {
 public:
  // REQUIRES: device is not null.
  explicit TunWire(std::unique_ptr<PacketPort> device)
      : device_(std::move(device)) {}

  WireKind kind() const override { return WireKind::kTun; }

  std::size_t overhead_octets() const override { return 0; }

  std::size_t Receive(Batch& batch, PacketPool& pool,
                      WorkerStats& stats) override {
    return device_->Receive(batch, pool, stats);
  }

  void Send(Batch& batch, WorkerStats& stats) override;

  std::size_t mtu() const override { return device_->mtu(); }

  int descriptor() const override { return device_->descriptor(); }

 private:
  std::unique_ptr<PacketPort> device_;
};

}  // namespace postern

#endif  // POSTERN_WIRE_TUN_WIRE_H_
