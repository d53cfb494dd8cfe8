// SPDX-License-Identifier: Apache-2.0
//
// A worker is one thread that carries packets one way, run to completion: it
// takes what waits at its entrance, sends the batch through its pipeline and
// out at its exit, and blocks only when nothing waits.
//
//     outbound   TUN  -> OutboundPipeline -> wire
//     inbound    wire -> InboundPipeline  -> TUN
//
// It wakes, too, when packets that wait for an SA have waited long enough, or
// when it is prodded.
//
// The thread is a registered RCU reader: quiescent after each batch, offline
// while it blocks. It owns its packets, its flow table, its socket to the
// kernel's sock_diag and its counters, and shares nothing it writes.
//
// Thread safety: Control-confined; the counters may be read by anybody.

#ifndef POSTERN_DAEMON_WORKER_H_
#define POSTERN_DAEMON_WORKER_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "core/error.h"
#include "core/flow/socket_owner.h"
#include "core/packet/packet_pool.h"
#include "core/packet/packet_port.h"
#include "core/stats.h"
#include "core/unique_fd.h"
#include "daemon/worker_events.h"
#include "pipeline/held_packets.h"
#include "policy/acquires.h"
#include "policy/flow_resolver.h"
#include "policy/raw_sockets.h"
#include "policy/route_table.h"
#include "policy/socket_table.h"
#include "sadb/sadb.h"

namespace postern {

class Worker {
 public:
  static constexpr std::size_t kFlows = 16384;

  struct Parts {
    Direction direction = Direction::kOutbound;
    PacketPort& entrance;
    PacketPort& exit;
    const Sadb& sadb;
    const SystemPolicy& system;
    SocketTable& sockets;
    const RawSockets& raw;
    Acquires& acquires;
    CgroupPaths* cgroups = nullptr;  // null: no cgroup's path can be told
    UnownedArrivals& arrivals;
    WorkerEvents& events;
    std::unique_ptr<SocketOwner> owner;
    HeldPackets::Limits hold;  // outbound
    // Called in the worker's thread, once, when the entrance has failed (the
    // device is gone) and the worker ends for that.
    std::function<void()> on_failure;
  };

  // Starts the thread. Errors: kSystem.
  static Result<std::unique_ptr<Worker>> Start(Parts parts);

  // Ends the thread; packets that wait at the entrance stay there.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Packets that it holds may leave now, or must be dropped, though the SADB
  // has not changed; or it has, and nothing else would wake it. Thread-safe.
  void Prod();

  const WorkerStats& stats() const { return stats_; }

 private:
  enum class Woken : std::uint8_t { kToWork, kToStop, kByFailure };

  Worker(Parts parts, UniqueFd wake);

  void Run();
  template <typename Pipeline>
  void RunWith(Pipeline& pipeline);
  template <typename Pipeline>
  std::size_t CarryOneBatch(Pipeline& pipeline, Batch& in, Batch& out);
  Woken Wait(std::optional<Instant> deadline);

  Parts parts_;
  UniqueFd wake_;                      // ends a wait
  std::atomic<bool> stopping_{false};  // ends a drain
  std::atomic<bool> prodded_{false};
  WorkerStats stats_;
  PacketPool pool_;
  FlowResolver flows_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace postern

#endif  // POSTERN_DAEMON_WORKER_H_
