// SPDX-License-Identifier: Apache-2.0
//
// A worker is one thread that carries packets one way, run to completion: it
// takes what waits at its entrance, sends the batch through its pipeline and
// out at its exit, and blocks only when nothing waits.
//
//     outbound   TUN  -> OutboundPipeline -> wire
//     inbound    wire -> InboundPipeline  -> TUN
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
#include <thread>

#include "core/error.h"
#include "core/flow/socket_owner.h"
#include "core/packet/packet_pool.h"
#include "core/packet/packet_port.h"
#include "core/stats.h"
#include "core/unique_fd.h"
#include "daemon/worker_events.h"
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
    WorkerEvents& events;
    std::unique_ptr<SocketOwner> owner;
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

  const WorkerStats& stats() const { return stats_; }

 private:
  enum class Woken : std::uint8_t { kByPackets, kToStop, kByFailure };

  Worker(Parts parts, UniqueFd stop);

  void Run();
  template <typename Pipeline>
  void RunWith(Pipeline& pipeline);
  template <typename Pipeline>
  std::size_t CarryOneBatch(Pipeline& pipeline, Batch& in, Batch& out);
  Woken Wait() const;

  Parts parts_;
  UniqueFd stop_;                      // ends a wait
  std::atomic<bool> stopping_{false};  // ends a drain
  WorkerStats stats_;
  PacketPool pool_;
  FlowResolver flows_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace postern

#endif  // POSTERN_DAEMON_WORKER_H_
