// SPDX-License-Identifier: Apache-2.0
//
// A lane is one way of packets through the daemon, and everything that belongs
// to whoever carries them: an entrance, a pipeline, an exit.
//
//     outbound   TUN  -> OutboundPipeline -> wire
//     inbound    wire -> InboundPipeline  -> TUN
//
// It owns its packets, its flow table, its socket to the kernel's sock_diag and
// its counters, and shares nothing it writes. Which thread carries it is a
// LanePair's matter (daemon/lane_pair.h); nothing in it is a thread's own.
//
// A host with several pairs of lanes (daemon/crew.h) has one entrance and exit of
// each for every pair, and all packets of a flow in one direction come by one.
//
// Thread safety: Worker-confined, but Prod() and the counters are for anybody. A
// thread may hand it to another between two calls.

#ifndef POSTERN_DAEMON_LANE_H_
#define POSTERN_DAEMON_LANE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/clock.h"
#include "core/flow/flow_key.h"
#include "core/flow/socket_owner.h"
#include "core/mutex.h"
#include "core/packet/packet_pool.h"
#include "core/packet/packet_port.h"
#include "core/stats.h"
#include "daemon/worker_events.h"
#include "pipeline/dummy_maker.h"
#include "pipeline/inbound.h"
#include "pipeline/outbound.h"
#include "policy/acquires.h"
#include "policy/flow_resolver.h"
#include "policy/raw_sockets.h"
#include "policy/socket_table.h"
#include "policy/system_policy.h"
#include "sadb/sadb.h"
#include "wire/wire.h"

namespace postern {

class Lane {
 public:
  static constexpr std::size_t kFlows = 16384;
  static constexpr std::size_t kMostOrders = 256;

  // Each lane has a transform of every SA to itself.
  static constexpr std::size_t kMostPairs = kMaxWorkers / 2;

  struct Parts {
    Direction direction = Direction::kOutbound;
    std::size_t pair = 0;  // less than kMostPairs
    PacketPort& entrance;
    PacketPort& exit;
    const Sadb& sadb;
    const SystemPolicy& system;
    SocketTable& sockets;
    const RawSockets& raw;
    Acquires& acquires;
    CgroupPaths* cgroups = nullptr;  // null: no cgroup's path can be told
    UnownedArrivals& arrivals;
    Openings* openings = nullptr;  // null: there is one pair
    WorkerEvents& events;
    std::unique_ptr<SocketOwner> owner;
    HeldPackets::Limits hold;        // outbound
    WireKind wire = WireKind::kTun;  // outbound
    PathMtuRules path_mtu{};         // inbound
    NoticeRules notices{};
    OutboundPipeline::Parts::Discards discards{};  // outbound
  };

  explicit Lane(Parts parts);

  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Carries one batch of what waits at the entrance, and whatever held packets
  // are due; returns how many waited. Call it until it returns 0: only then does
  // descriptor() tell of new ones.
  std::size_t Carry();

  // Readable when packets wait.
  int descriptor() const { return parts_.entrance.descriptor(); }

  // As PacketPort::IsGone(), of the entrance.
  bool IsGone(PacketPort::DescriptorState state) {
    return parts_.entrance.IsGone(state);
  }

  // When Carry() last looked whether packets wait, as the pipeline was told it.
  Instant looked() const { return looked_; }

  // When Carry() has something to do, packets or not.
  std::optional<Instant> NextDeadline() const;

  // Packets that it holds may leave now, or must be dropped: the next Carry()
  // sees to it. No effect on an inbound lane. Thread-safe.
  void Prod() { prodded_.store(true, std::memory_order_release); }

  // A packet of the host's own making, which leaves by the exit as it is with the
  // next Carry(). Thread-safe.
  void Emit(std::vector<std::uint8_t> packet);

  // The same of a dummy packet; no effect on an inbound lane, and beyond
  // kMostOrders that wait. Thread-safe.
  void SendDummy(const DummyOrder& order);

  Direction direction() const { return parts_.direction; }

  std::size_t pair() const { return parts_.pair; }

  const WorkerStats& stats() const { return stats_; }

 private:
  template <typename Pipeline>
  void CarryThrough(Pipeline& pipeline);
  void SendEmitted();
  void SendDummies();

  Parts parts_;
  std::atomic<bool> prodded_{false};
  std::atomic<bool> has_own_{false};  // packets of the host's own making
  Mutex mutex_;
  std::vector<std::vector<std::uint8_t>> emitted_ POSTERN_GUARDED_BY(mutex_);
  std::vector<DummyOrder> ordered_ POSTERN_GUARDED_BY(mutex_);
  WorkerStats stats_;
  PacketPool pool_;
  FlowResolver flows_;
  Instant looked_{};
  Batch in_;
  Batch out_;
  // One of them, by the direction.
  std::optional<OutboundPipeline> outbound_;
  std::optional<InboundPipeline> inbound_;
  std::optional<DummyMaker> dummies_;  // outbound
};

}  // namespace postern

#endif  // POSTERN_DAEMON_LANE_H_
