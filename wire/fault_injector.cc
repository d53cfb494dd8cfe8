// SPDX-License-Identifier: Apache-2.0

#include "wire/fault_injector.h"

#include <utility>
#include <variant>
#include <vector>

namespace postern {
namespace {

constexpr std::size_t kLargestPacket = 65535;

}  // namespace

FaultInjector::FaultInjector(std::unique_ptr<PacketPort> port, const Plan& plan)
    : port_(std::move(port)),
      sending_(plan.sending, 2 * plan.seed),
      sending_pool_({.packets = Batch::kCapacity, .payload = kLargestPacket}),
      receiving_(plan.receiving, 2 * plan.seed + 1) {}

void FaultInjector::Send(Batch& batch, WorkerStats& stats) {
  Batch out;
  for (FaultLane::Item& item : sending_.Pass(batch, stats)) {
    if (out.full()) {
      port_->Send(out, stats);
    }
    auto* copy = std::get_if<FaultLane::Copy>(&item);
    Packet packet = copy != nullptr ? sending_pool_.Copy(copy->octets)
                                    : std::move(std::get<Packet>(item));
    if (packet) {
      out.Push(std::move(packet));
    } else {
      stats.Drop(DropReason::kPoolEmpty);
    }
  }
  port_->Send(out, stats);
}

// Asks the port again while the lane keeps or drops all that came: 0 says that
// nothing waits. Bounded, so that a flood which is dropped cannot hold us here.
std::size_t FaultInjector::Receive(Batch& batch, PacketPool& pool,
                                   WorkerStats& stats) {
  constexpr int kMostBatches = 64;
  const std::size_t before = batch.size();
  for (int i = 0; i < kMostBatches && batch.size() == before; ++i) {
    DeliverBacklog(batch, pool, stats);
    if (!backlog_.empty() || ReceiveOnce(batch, pool, stats) == 0) {
      break;
    }
  }
  return batch.size() - before;
}

std::size_t FaultInjector::ReceiveOnce(Batch& batch, PacketPool& pool,
                                       WorkerStats& stats) {
  Batch fresh;
  const std::size_t came = port_->Receive(fresh, pool, stats);
  for (FaultLane::Item& item : receiving_.Pass(fresh, stats)) {
    auto* packet = std::get_if<Packet>(&item);
    if (packet == nullptr) {
      backlog_.push_back(std::move(std::get<FaultLane::Copy>(item)));
    } else if (backlog_.empty() && !batch.full()) {
      batch.Push(std::move(*packet));
    } else {
      const ConstBytes octets = std::as_const(*packet).bytes();
      backlog_.push_back({{octets.begin(), octets.end()}});
      packet->Release();
    }
    DeliverBacklog(batch, pool, stats);
  }
  return came;
}

void FaultInjector::DeliverBacklog(Batch& batch, PacketPool& pool,
                                   WorkerStats& stats) {
  while (!backlog_.empty() && !batch.full()) {
    if (backlog_.front().octets.size() > pool.shape().payload) {
      stats.Drop(DropReason::kTooBig);
      backlog_.pop_front();
      continue;
    }
    Packet packet = pool.Copy(backlog_.front().octets);
    if (!packet) {
      return;
    }
    batch.Push(std::move(packet));
    backlog_.pop_front();
  }
}

}  // namespace postern
