// SPDX-License-Identifier: Apache-2.0

#include "daemon/host.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <utility>

#include "control/paths.h"
#include "control/run_directory.h"
#include "core/rcu.h"
#include "daemon/admin_server.h"
#include "daemon/api_server.h"
#include "daemon/cgroup_hierarchy.h"
#include "daemon/crew.h"
#include "daemon/dummy_traffic.h"
#include "daemon/durable_reserve.h"
#include "daemon/host_events.h"
#include "daemon/host_network.h"
#include "daemon/host_status.h"
#include "daemon/housekeeping.h"
#include "daemon/keepalives.h"
#include "daemon/paced_call.h"
#include "daemon/published_names.h"
#include "daemon/roll_call.h"
#include "daemon/run_lock.h"
#include "daemon/service_notify.h"
#include "daemon/socket_news.h"
#include "state/socket_store.h"
#include "tun/sock_diag.h"

namespace postern {
namespace {

Result<UniqueFd> Listen(const UnixPath& path, mode_t mode) {
  Expected<UniqueFd, int> listener = ListenSeqpacket(path, mode);
  if (!listener.ok()) {
    return SystemError("listening at " + std::string(path.view()),
                       listener.error());
  }
  return std::move(*listener);
}

}  // namespace

// Destroyed from the last member to the first.
struct Host::Assembly {
  Assembly(const HostConfig& host_config, RunLock taken,
           std::unique_ptr<WorkerEvents> made)
      : config(host_config),
        lock(std::move(taken)),
        events(std::move(made)),
        acquires([this] { events->Wake(); }, config.acquire.acquires) {}

  Status OpenState();
  Status LoadPolicy();
  Status Attach();
  Result<RecordFile::Life> LifeOfNow() const;
  Status ResumeCgroups();
  Status ResumeSockets();
  Status StartWorkers();
  Status StartServers();
  void ReleaseHeld();
  Object DescribeStatus() const;

  const HostConfig config;
  const Instant started = MonotonicNow();
  RunLock lock;
  EventLoop loop;
  std::atomic<bool> device_failed{false};
  std::unique_ptr<WorkerEvents> events;
  Sadb sadb{*events};
  SystemPolicy system;
  CgroupHierarchy cgroups;
  CgroupRules cgroup_rules{system, cgroups.mount(), cgroups.usable()};
  SocketTable sockets;
  RawSockets raw;
  UnownedArrivals arrivals;
  EventFeed feed;
  Acquires acquires;
  AcquireEvents acquire_events{acquires, sadb, feed};
  std::unique_ptr<DurableReserve> reserve;  // null: there is no state directory
  std::unique_ptr<Associations> associations;
  RcuBarrierAtEnd grace;  // SAs go before what they refer to
  std::unique_ptr<HostNetwork> network;
  std::unique_ptr<SocketWatch> watch;
  std::unique_ptr<SockDiagOwner> kernel;
  std::unique_ptr<RollCall> roll_call;
  std::unique_ptr<Crew> crew;
  Keepalives keepalives{sadb,
                        [this](std::vector<std::uint8_t> packet) {
                          crew->Emit(std::move(packet));
                        },
                        config.keepalive_afterlife};
  TimerWatch keep_alive{loop, std::chrono::seconds(1),
                        [this] { keepalives.Tick(MonotonicNow()); }};
  DummyTraffic dummies{
      loop, sadb, [this](const DummyOrder& order) { crew->SendDummy(order); }};
  // Anybody may change levels, and each time all held packets are judged anew.
  PacedCall prod{loop, std::chrono::milliseconds(10), [this] { crew->Prod(); }};
  std::unique_ptr<RawLevels> raw_levels;
  std::unique_ptr<Housekeeping> housekeeping;
  std::unique_ptr<SocketLevels> levels;
  std::unique_ptr<WishCalls> wishes;
  std::unique_ptr<PrivilegeRule> privilege;
  std::unique_ptr<AdminVerbs> verbs;
  std::unique_ptr<PublishedNames> names;
  std::unique_ptr<ApiServer> api;
  std::unique_ptr<AdminServer> admin;
};

Status Host::Assembly::OpenState() {
  if (config.state_directory) {
    Result<std::unique_ptr<DurableReserve>> opened =
        DurableReserve::Open(*config.state_directory);
    if (!opened.ok()) {
      return Error{opened.error().code, "the state directory " +
                                            *config.state_directory + ": " +
                                            opened.error().message};
    }
    reserve = std::move(*opened);
  }
  associations = std::make_unique<Associations>(sadb, reserve.get());
  associations->Watch([this](const AssociationChange& change) {
    if (change.parameters != nullptr) {
      keepalives.Take(*change.parameters);
      dummies.Take(*change.parameters);
    }
    feed.Publish(DescribeChange(change));
  });
  return Ok();
}

Status Host::Assembly::LoadPolicy() {
  Result<RouteTable> table = RouteTable::Create(config.routes);
  Result<RuleTable> rules = RuleTable::Create(config.rules, config.otherwise);
  if (!table.ok() || !rules.ok()) {
    return table.ok() ? rules.error() : table.error();
  }
  system.Replace(std::move(*table));
  system.ReplaceRules(std::move(*rules));
  if (Status loaded = cgroup_rules.Load(config.cgroups); !loaded.ok()) {
    return Error{loaded.error().code,
                 "[[cgroup]] of the configuration: " + loaded.error().message};
  }
  for (const SaParameters& parameters : config.associations) {
    if (Status added = associations->Add(parameters, MonotonicNow());
        !added.ok()) {
      return Error{added.error().code,
                   "the SA " + ToString(parameters.identity()) +
                       " of the configuration: " + added.error().message};
    }
  }
  return Ok();
}

Status Host::Assembly::Attach() {
  Result<std::unique_ptr<HostNetwork>> made =
      HostNetwork::Create(config.network);
  if (!made.ok()) {
    return made.error();
  }
  network = std::move(*made);
  Result<std::unique_ptr<SocketWatch>> watching =
      SocketWatch::Create(network->inside());
  if (!watching.ok()) {
    return watching.error();
  }
  watch = std::move(*watching);
  ListenWhenNeeded(*watch, sockets, associations->owners(), cgroup_rules);
  return Ok();
}

Result<RecordFile::Life> Host::Assembly::LifeOfNow() const {
  Result<std::string> boot = ReadBootId();
  if (!boot.ok()) {
    return boot.error();
  }
  const auto cookie = static_cast<std::uint64_t>(network->inside().cookie());
  return RecordFile::Life{std::move(*boot), cookie};
}

Status Host::Assembly::ResumeCgroups() {
  const Result<RecordFile::Life> life = LifeOfNow();
  return life.ok() ? cgroup_rules.Resume(CgroupMemory(
                         std::string(CgroupsPath(config.name).view()), *life))
                   : Status(life.error());
}

// After the watch has begun to listen: what goes from now on is told.
Status Host::Assembly::ResumeSockets() {
  const Result<RecordFile::Life> life = LifeOfNow();
  if (!life.ok()) {
    return life.error();
  }
  const std::string file(SocketsPath(config.name).view());
  Result<std::shared_ptr<SocketStore>> store = SocketStore::Open(file, *life);
  if (!store.ok()) {
    return store.error();
  }
  if (Status resumed = sockets.ResumeFrom(std::move(*store), MonotonicNow());
      !resumed.ok()) {
    return Error{resumed.error().code, file + ": " + resumed.error().message};
  }
  Log(LogLevel::kInfo, "sockets_resumed",
      {{"sockets", sockets.sockets()}, {"connections", sockets.flows()}});
  Result<std::unique_ptr<SockDiagOwner>> asked =
      SockDiagOwner::Create(network->inside(), network->tun_index());
  if (!asked.ok()) {
    return asked.error();
  }
  kernel = std::move(*asked);
  roll_call =
      std::make_unique<RollCall>(sockets, associations->owners(), *kernel);
  return Ok();
}

Status Host::Assembly::StartWorkers() {
  Result<std::unique_ptr<Crew>> made =
      Crew::Start({.network = *network,
                   .sadb = sadb,
                   .system = system,
                   .sockets = sockets,
                   .raw = raw,
                   .acquires = acquires,
                   .cgroups = cgroups,
                   .arrivals = arrivals,
                   .events = *events,
                   .hold = config.acquire.held,
                   .threads = config.threads,
                   .busy_poll = BusyPoll(config.busy_poll),
                   .path_mtu = config.path_mtu,
                   .notices = config.notices,
                   .discards = config.discards},
                  [this] {
                    device_failed.store(true);
                    loop.Stop();
                  });
  if (!made.ok()) {
    return made.error();
  }
  crew = std::move(*made);
  Result<OpenSockets> open = OpenSockets::Create();
  if (!open.ok()) {
    return open.error();
  }
  raw_levels = std::make_unique<RawLevels>(
      RawLevels::Parts{.sockets = sockets,
                       .owners = associations->owners(),
                       .raw = raw,
                       .open = std::move(*open),
                       .ownership = network->ownership()});
  housekeeping = std::make_unique<Housekeeping>(
      Housekeeping::Parts{.loop = loop,
                          .events = *events,
                          .associations = *associations,
                          .acquires = acquire_events,
                          .sockets = sockets,
                          .system = system,
                          .watch = *watch,
                          .roll_call = *roll_call,
                          .raw = *raw_levels,
                          .feed = feed,
                          .audit = config.audit,
                          .selector_mismatches = config.selector_mismatches});
  return Ok();
}

Status Host::Assembly::StartServers() {
  const NamespaceCookie cookie = network->inside().cookie();
  levels = std::make_unique<SocketLevels>(
      cookie, sockets, config.api.user_levels, raw_levels.get(),
      WireLimits(config.network));
  wishes = std::make_unique<WishCalls>(
      WishCalls::Parts{.host = cookie,
                       .sockets = sockets,
                       .system = system,
                       .cgroups = &cgroups,
                       .rule = config.api.user_algorithms});
  privilege = std::make_unique<PrivilegeRule>(config.api.bypass_group,
                                              network->inside().fd());
  verbs = std::make_unique<AdminVerbs>(
      AdminVerbs::Parts{.config = config,
                        .associations = *associations,
                        .system = system,
                        .cgroups = cgroup_rules,
                        .sockets = sockets,
                        .stats = crew->counters(),
                        .network_namespace = network->inside().fd(),
                        .acquires = acquire_events,
                        .feed = feed,
                        .status = [this] { return DescribeStatus(); },
                        .on_change = [this] { ReleaseHeld(); }});
  names = std::make_unique<PublishedNames>(config.name, cookie);
  Result<UniqueFd> for_all = Listen(ApiSocketPath(config.name), kApiSocketMode);
  if (!for_all.ok()) {
    return for_all.error();
  }
  Result<UniqueFd> for_root =
      Listen(AdminSocketPath(config.name), kAdminSocketMode);
  if (!for_root.ok()) {
    return for_root.error();
  }
  api = std::make_unique<ApiServer>(
      ApiServer::Parts{.loop = loop,
                       .levels = *levels,
                       .wishes = *wishes,
                       .privilege = *privilege,
                       .on_change = [this] { prod.Ask(); }},
      std::move(*for_all));
  admin = std::make_unique<AdminServer>(loop, std::move(*for_root), *verbs);
  return names->Publish();
}

// Packets that wait may leave now, or have nothing to wait for any more.
void Host::Assembly::ReleaseHeld() {
  acquire_events.Settle();
  crew->Prod();
}

Object Host::Assembly::DescribeStatus() const {
  const auto cookie = static_cast<std::uint64_t>(network->inside().cookie());
  return {
      {"host", config.name, {}},
      {"version", POSTERN_VERSION, {}},
      {"pid", Value::Whole(::getpid()), {}},
      {"uptime_seconds", SecondsSince(started), {}},
      {"namespace_cookie", Value::Count(cookie), {}},
      {"ownership", std::string(NameOf(network->ownership())), {}},
      {"crypto", DescribeCrypto(), {}},
      {"tun", Describe(network->config().tun, network->tun_offload()), {}},
      {"wire", Describe(network->config().wire), {}},
      {"pairs", Value::Count(network->pairs()), {}},
      {"workers", crew->Describe(), {}},
      {"api_connections", Describe(api->connections()), {}},
      {"admin_connections", Describe(admin->connections()), {}},
      {"monitors", Value::Count(admin->monitors()), {}},
      {"acquires", Value::Count(acquires.size()), {}},
      {"events_lost", Value::Count(events->lost()), {}},
  };
}

Host::Host(std::unique_ptr<Assembly> assembly)
    : assembly_(std::move(assembly)) {}

Host::~Host() = default;

Result<std::unique_ptr<Host>> Host::Create(const HostConfig& config) {
  if (Status made = EnsureHostDirectory(config.name); !made.ok()) {
    return made.error();
  }
  Result<RunLock> lock = RunLock::Take(config.name);
  if (!lock.ok()) {
    return lock.error();
  }
  Result<std::unique_ptr<WorkerEvents>> events = WorkerEvents::Create();
  if (!events.ok()) {
    return events.error();
  }
  auto assembly =
      std::make_unique<Assembly>(config, std::move(*lock), std::move(*events));
  for (const auto step :
       {&Assembly::OpenState, &Assembly::LoadPolicy, &Assembly::Attach,
        &Assembly::ResumeCgroups, &Assembly::ResumeSockets,
        &Assembly::StartWorkers, &Assembly::StartServers}) {
    if (Status made = (assembly.get()->*step)(); !made.ok()) {
      return made.error();
    }
  }
  return std::unique_ptr<Host>(new Host(std::move(assembly)));
}

Status Host::Run() {
  const SignalWatch signals(
      assembly_->loop, {SIGINT, SIGTERM, SIGHUP}, [this](int signal) {
        if (signal == SIGHUP) {
          Log(LogLevel::kInfo, "sighup_ignored",
              {{"reason", "changes are made with postern, or by a restart"}});
          return;
        }
        Log(LogLevel::kInfo, "stopping", {{"signal", signal}});
        assembly_->loop.Stop();
      });
  Log(LogLevel::kInfo, "ready", {{"host", assembly_->config.name}});
  NotifyService("READY=1");
  assembly_->loop.Run();
  NotifyService("STOPPING=1");
  if (assembly_->device_failed.load()) {
    return Error{ErrorCode::kUnavailable,
                 "the TUN or the wire was taken away under the host: start "
                 "posternd again."};
  }
  return Ok();
}

}  // namespace postern
