// SPDX-License-Identifier: Apache-2.0
//
// A Crew is everybody who carries a host's packets: for each pair a lane of what
// goes out and one of what comes in, and the threads for them.
//
//     pair 0   queue 0 of the TUN ═══ outbound ═══▶ port 0 of the wire
//                                 ◀══ inbound  ════
//     pair 1   queue 1            ═══ outbound ═══▶ port 1
//                                 ◀══ inbound  ════
//
// The kernel says which queue and which port a packet takes, always the same of
// a flow in one direction (daemon/host_network.h); the two directions of a flow
// may be two pairs'. Lanes share what docs/threads.md says, and Openings.
//
// Thread safety: Control-confined, but for Prod().

#ifndef POSTERN_DAEMON_CREW_H_
#define POSTERN_DAEMON_CREW_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/stats.h"
#include "daemon/host_network.h"
#include "daemon/lane_pair.h"
#include "policy/openings.h"
#include "settings/value.h"

namespace postern {

class Crew {
 public:
  // All of them outlive the crew.
  struct Parts {
    HostNetwork& network;
    const Sadb& sadb;
    const SystemPolicy& system;
    SocketTable& sockets;
    const RawSockets& raw;
    Acquires& acquires;
    CgroupPaths& cgroups;
    UnownedArrivals& arrivals;
    WorkerEvents& events;
    HeldPackets::Limits hold;         // of each lane
    std::size_t threads = 2;          // a pair: 1 or 2
    BusyPoll busy_poll{Duration(0)};  // of each thread
    PathMtuRules path_mtu{};
    NoticeRules notices{};
    OutboundPipeline::Parts::Discards discards{};
  };

  // Starts the threads. `on_failure` is called in one of each pair that has an
  // entrance that failed. Errors: kSystem, those of SockDiagOwner::Create().
  static Result<std::unique_ptr<Crew>> Start(
      const Parts& parts, const std::function<void()>& on_failure);

  // Packets that are held may leave now, or must be dropped. Thread-safe.
  void Prod();

  // Sends a packet of the host's own making on the wire. Thread-safe.
  void Emit(std::vector<std::uint8_t> packet) {
    pairs_.front()->Emit(std::move(packet));
  }

  // Sends a dummy packet. Thread-safe.
  void SendDummy(const DummyOrder& order) { pairs_.front()->SendDummy(order); }

  // Of each lane.
  std::vector<const WorkerStats*> counters() const;

  // For `postern status`: each worker by its name, and what it has carried; of one
  // that borrows its lane, how often it did.
  Array Describe() const;

 private:
  Crew() = default;

  Result<std::unique_ptr<Lane>> MakeLane(const Parts& parts, std::size_t pair,
                                         Direction direction);

  Openings openings_;
  std::vector<std::unique_ptr<LanePair>> pairs_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_CREW_H_
