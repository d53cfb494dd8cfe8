// SPDX-License-Identifier: Apache-2.0

#include "daemon/crew.h"

#include <cstdint>
#include <utility>

#include "tun/sock_diag.h"

namespace postern {

Result<std::unique_ptr<Crew>> Crew::Start(
    const Parts& parts, const std::function<void()>& on_failure) {
  std::unique_ptr<Crew> crew(new Crew());
  Worker::Lanes lanes;
  for (std::size_t pair = 0; pair < parts.network.pairs(); ++pair) {
    for (const Direction way : {Direction::kOutbound, Direction::kInbound}) {
      Result<std::unique_ptr<Lane>> lane = crew->MakeLane(parts, pair, way);
      if (!lane.ok()) {
        return lane.error();
      }
      lanes.push_back(std::move(*lane));
    }
  }
  Result<Workers> workers = StartWorkers(std::move(lanes), 2 / parts.threads,
                                         parts.busy_poll, on_failure);
  if (!workers.ok()) {
    return workers.error();
  }
  crew->workers_ = std::move(*workers);
  return crew;
}

Result<std::unique_ptr<Lane>> Crew::MakeLane(const Parts& parts,
                                             std::size_t pair,
                                             Direction direction) {
  HostNetwork& network = parts.network;
  Result<std::unique_ptr<SockDiagOwner>> owner =
      SockDiagOwner::Create(network.inside(), network.tun_index());
  if (!owner.ok()) {
    return owner.error();
  }
  const bool out = direction == Direction::kOutbound;
  return std::make_unique<Lane>(
      Lane::Parts{.direction = direction,
                  .pair = pair,
                  .entrance = out ? network.tun(pair) : network.wire(pair),
                  .exit = out ? network.wire(pair) : network.tun(pair),
                  .sadb = parts.sadb,
                  .system = parts.system,
                  .sockets = parts.sockets,
                  .raw = parts.raw,
                  .acquires = parts.acquires,
                  .cgroups = &parts.cgroups,
                  .arrivals = parts.arrivals,
                  .openings = network.pairs() > 1 ? &openings_ : nullptr,
                  .events = parts.events,
                  .owner = std::move(*owner),
                  .hold = parts.hold,
                  .wire = network.config().wire.kind,
                  .path_mtu = parts.path_mtu,
                  .notices = parts.notices,
                  .discards = parts.discards});
}

void Crew::Prod() {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->Prod();
  }
}

std::vector<const WorkerStats*> Crew::counters() const {
  std::vector<const WorkerStats*> all;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    for (const std::unique_ptr<Lane>& lane : worker->lanes()) {
      all.push_back(&lane->stats());
    }
  }
  return all;
}

Array Crew::Describe() const {
  Array all;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    std::uint64_t out = 0;
    std::uint64_t in = 0;
    for (const std::unique_ptr<Lane>& lane : worker->lanes()) {
      out += lane->stats().of(Count::kOutboundPackets);
      in += lane->stats().of(Count::kInboundPackets);
    }
    all.push_back(MakeObject({{"name", worker->name(), {}},
                              {"outbound_packets", Value::Count(out), {}},
                              {"inbound_packets", Value::Count(in), {}}}));
  }
  return all;
}

}  // namespace postern
