// SPDX-License-Identifier: Apache-2.0

#include "daemon/crew.h"

#include <cstdint>
#include <utility>

#include "tun/sock_diag.h"

namespace postern {

Result<std::unique_ptr<Crew>> Crew::Start(
    const Parts& parts, const std::function<void()>& on_failure) {
  std::unique_ptr<Crew> crew(new Crew());
  for (std::size_t pair = 0; pair < parts.network.pairs(); ++pair) {
    Result<std::unique_ptr<Lane>> out =
        crew->MakeLane(parts, pair, Direction::kOutbound);
    Result<std::unique_ptr<Lane>> in =
        crew->MakeLane(parts, pair, Direction::kInbound);
    if (!out.ok() || !in.ok()) {
      return out.ok() ? in.error() : out.error();
    }
    Result<std::unique_ptr<LanePair>> started = LanePair::Start(
        {.outbound = std::move(*out), .inbound = std::move(*in)},
        {.number = parts.threads, .busy_poll = parts.busy_poll}, on_failure);
    if (!started.ok()) {
      return started.error();
    }
    crew->pairs_.push_back(std::move(*started));
  }
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
  for (const std::unique_ptr<LanePair>& pair : pairs_) {
    pair->Prod();
  }
}

std::vector<const WorkerStats*> Crew::counters() const {
  std::vector<const WorkerStats*> all;
  for (const std::unique_ptr<LanePair>& pair : pairs_) {
    for (const Direction way : {Direction::kOutbound, Direction::kInbound}) {
      all.push_back(&pair->lane(way).stats());
    }
  }
  return all;
}

Array Crew::Describe() const {
  Array all;
  for (const std::unique_ptr<LanePair>& pair : pairs_) {
    for (const std::unique_ptr<Worker>& worker : pair->workers()) {
      const auto carried = [&worker](Direction way) {
        return Value::Count(worker->carried(way));
      };
      Object its = {{"name", worker->name(), {}},
                    {"outbound_packets", carried(Direction::kOutbound), {}},
                    {"inbound_packets", carried(Direction::kInbound), {}}};
      if (worker != pair->workers().front()) {
        its.push_back({"loans", Value::Count(pair->loans()), {}});
      }
      all.push_back(std::move(its));
    }
  }
  return all;
}

}  // namespace postern
