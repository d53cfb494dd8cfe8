// SPDX-License-Identifier: Apache-2.0
//
// A FaultInjector is a bad network in front of a port: it drops, duplicates,
// reorders and delays packets and flips bits in them, as told, in each
// direction. For tests and trials.
//
//     FaultInjector lossy(std::move(port), {.seed = 1,
//                                           .sending = {.drop_per_mille = 20}});
//
// The same seed, plan and packets give the same faults. Each kind of fault has
// its own random numbers, so changing how often one happens leaves the others.
//
// Only a drop ends a packet, so only drops are counted in WorkerStats (as
// kFaultInjected) and the balance of packets holds; sent_faults() and
// received_faults() count every kind.
//
// A packet that is held back waits until enough later ones passed. What is
// still held when the injector goes is gone. Packets that Receive() had no room
// for come with the next call, although descriptor() may not say so.
//
// Thread safety: as PacketPort; each direction's counts belong to its thread.
// Cost: copies and allocates for what it duplicates or holds.

#ifndef POSTERN_WIRE_FAULT_INJECTOR_H_
#define POSTERN_WIRE_FAULT_INJECTOR_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "core/packet/packet_port.h"
#include "wire/fault_lane.h"

namespace postern {

class FaultInjector : public PacketPort {
 public:
  struct Plan {
    std::uint64_t seed = 0;
    FaultPlan sending;
    FaultPlan receiving;
  };

  // REQUIRES: port is not null.
  FaultInjector(std::unique_ptr<PacketPort> port, const Plan& plan);

  std::size_t Receive(Batch& batch, PacketPool& pool,
                      WorkerStats& stats) override;

  void Send(Batch& batch, WorkerStats& stats) override;

  std::size_t mtu() const override { return port_->mtu(); }

  int descriptor() const override { return port_->descriptor(); }

  bool IsGone(DescriptorState state) override { return port_->IsGone(state); }

  std::optional<Instant> NextDeadline() const override {
    return port_->NextDeadline();
  }

  const FaultCounts& sent_faults() const { return sending_.counts(); }

  const FaultCounts& received_faults() const { return receiving_.counts(); }

 private:
  std::size_t ReceiveOnce(Batch& batch, PacketPool& pool, WorkerStats& stats);
  void DeliverBacklog(Batch& batch, PacketPool& pool, WorkerStats& stats);

  std::unique_ptr<PacketPort> port_;
  FaultLane sending_;
  PacketPool sending_pool_;  // for the copies that Send() sends
  FaultLane receiving_;
  std::deque<FaultLane::Copy> backlog_;  // received, not yet handed out
};

}  // namespace postern

#endif  // POSTERN_WIRE_FAULT_INJECTOR_H_
