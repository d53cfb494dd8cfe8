// SPDX-License-Identifier: Apache-2.0

#include "daemon/lane.h"

#include <utility>

namespace postern {
namespace {

// Room for a batch on its way and for what the pipeline holds meanwhile.
PacketPool::Shape PoolShape(const HeldPackets::Limits& hold) {
  return {.packets = 4 * Batch::kCapacity + hold.in_all, .payload = 9216};
}

WorkerIndex IndexOf(const Lane::Parts& lane) {
  const std::size_t way = lane.direction == Direction::kOutbound ? 0 : 1;
  return static_cast<WorkerIndex>(2 * lane.pair + way);
}

OutboundPipeline::Parts::Fragments FragmentsOn(WireKind wire) {
  return CarriesAnyIpPacket(wire)
             ? OutboundPipeline::Parts::Fragments::kCarried
             : OutboundPipeline::Parts::Fragments::kRefused;
}

}  // namespace

Lane::Lane(Parts parts)
    : parts_(std::move(parts)),
      pool_(PoolShape(parts_.hold)),
      flows_({.system = parts_.system,
              .sockets = parts_.sockets,
              .owner = *parts_.owner,
              .stats = stats_,
              .raw = &parts_.raw,
              .cgroups = parts_.cgroups,
              .arrivals = &parts_.arrivals,
              .openings = parts_.openings},
             kFlows) {
  if (parts_.direction == Direction::kOutbound) {
    outbound_.emplace(
        OutboundPipeline::Parts{.sadb = parts_.sadb,
                                .flows = flows_,
                                .acquires = parts_.acquires,
                                .stats = stats_,
                                .worker = IndexOf(parts_),
                                .wire_mtu = parts_.exit.mtu(),
                                .hold = parts_.hold,
                                .wire_fragments = FragmentsOn(parts_.wire),
                                .audit = &parts_.events,
                                .discards = parts_.discards});
    dummies_.emplace(DummyMaker::Parts{.sadb = parts_.sadb,
                                       .stats = stats_,
                                       .worker = IndexOf(parts_),
                                       .wire_mtu = parts_.exit.mtu()});
  } else {
    inbound_.emplace(InboundPipeline::Parts{.sadb = parts_.sadb,
                                            .system = parts_.system,
                                            .flows = flows_,
                                            .audit = parts_.events,
                                            .stats = stats_,
                                            .worker = IndexOf(parts_),
                                            .path_mtu = parts_.path_mtu,
                                            .notices = parts_.notices});
  }
}

std::size_t Lane::Carry() {
  const std::size_t received = parts_.entrance.Receive(in_, pool_, stats_);
  const bool prodded = prodded_.load(std::memory_order_relaxed) &&
                       prodded_.exchange(false, std::memory_order_acq_rel);
  if (has_own_.load(std::memory_order_relaxed) &&
      has_own_.exchange(false, std::memory_order_acq_rel)) {
    SendEmitted();
    SendDummies();
  }
  if (outbound_) {
    if (prodded) {
      outbound_->Prod();
    }
    CarryThrough(*outbound_);
    if (!outbound_->told().empty()) {
      parts_.entrance.SendBack(outbound_->told(), stats_);
    }
  } else {
    CarryThrough(*inbound_);
  }
  return received;
}

void Lane::Emit(std::vector<std::uint8_t> packet) {
  const MutexLock lock(mutex_);
  emitted_.push_back(std::move(packet));
  has_own_.store(true, std::memory_order_release);
}

void Lane::SendEmitted() {
  std::vector<std::vector<std::uint8_t>> emitted;
  {
    const MutexLock lock(mutex_);
    emitted.swap(emitted_);
  }
  for (const std::vector<std::uint8_t>& octets : emitted) {
    if (Packet packet = pool_.Copy(octets)) {
      out_.Push(std::move(packet));
      parts_.exit.Send(out_, stats_);
    } else {
      stats_.Drop(DropReason::kPoolEmpty);
    }
  }
}

void Lane::SendDummy(const DummyOrder& order) {
  const MutexLock lock(mutex_);
  if (dummies_ && ordered_.size() < kMostOrders) {
    ordered_.push_back(order);
    has_own_.store(true, std::memory_order_release);
  }
}

void Lane::SendDummies() {
  std::vector<DummyOrder> ordered;
  {
    const MutexLock lock(mutex_);
    ordered.swap(ordered_);
  }
  for (const DummyOrder& order : ordered) {
    if (Packet packet = dummies_->Make(order, pool_, MonotonicNow())) {
      out_.Push(std::move(packet));
      parts_.exit.Send(out_, stats_);
    }
  }
}

template <typename Pipeline>
void Lane::CarryThrough(Pipeline& pipeline) {
  for (Rest rest = Rest::kMore; rest == Rest::kMore;) {
    looked_ = MonotonicNow();
    rest = pipeline.Run(in_, out_, looked_);
    parts_.exit.Send(out_, stats_);
  }
}

std::optional<Instant> Lane::NextDeadline() const {
  return Earlier(
      outbound_ ? outbound_->NextDeadline() : inbound_->NextDeadline(),
      parts_.entrance.NextDeadline());
}

}  // namespace postern
