// SPDX-License-Identifier: Apache-2.0

#include "daemon/admin_verbs.h"

#include <array>
#include <memory>
#include <utility>

#include "core/drop_reason.h"
#include "daemon/json_text.h"
#include "daemon/route_settings.h"
#include "daemon/socket_description.h"

namespace postern {
namespace {

// The systemwide default may be missing in one family.
LevelSet LevelsOf(const RouteTable& routes, const Route& wanted) {
  const Route* found = routes.Get(wanted.prefix);
  return found == nullptr ? LevelSet() : found->levels;
}

Object DescribeLevels(const RouteTable& routes) {
  const std::vector<Route> defaults = DefaultRoutes(LevelSet());
  return {{"ipv4", Describe(LevelsOf(routes, defaults[0])), {}},
          {"ipv6", Describe(LevelsOf(routes, defaults[1])), {}}};
}

}  // namespace

AdminVerbs::AdminVerbs(Parts parts)
    : parts_(std::move(parts)), limits_(parts_.config.network) {}

struct AdminVerbs::Entry {
  enum class Arguments : std::uint8_t { kNone, kSome };
  enum class Effect : std::uint8_t { kTells, kChanges };

  std::string_view name;
  Verb verb;
  Arguments arguments = Arguments::kNone;
  Effect effect = Effect::kTells;
};

const AdminVerbs::Entry* AdminVerbs::FindVerb(std::string_view name) {
  constexpr auto kNone = Entry::Arguments::kNone;
  constexpr auto kSome = Entry::Arguments::kSome;
  constexpr auto kChanges = Entry::Effect::kChanges;
  static constexpr std::array<Entry, 24> kVerbs = {{
      {"status", &AdminVerbs::ShowStatus},
      {"sa.add", &AdminVerbs::AddSa, kSome, kChanges},
      {"sa.update", &AdminVerbs::UpdateSa, kSome, kChanges},
      {"sa.get", &AdminVerbs::GetSa, kSome},
      {"sa.delete", &AdminVerbs::DeleteSa, kSome, kChanges},
      {"sa.dump", &AdminVerbs::DumpSas},
      {"sa.flush", &AdminVerbs::FlushSas, kNone, kChanges},
      {"acquire.list", &AdminVerbs::ListAcquires},
      {"acquire.refuse", &AdminVerbs::RefuseAcquire, kSome, kChanges},
      {"route.list", &AdminVerbs::ListRoutes},
      {"route.set", &AdminVerbs::SetRoute, kSome, kChanges},
      {"route.delete", &AdminVerbs::DeleteRoute, kSome, kChanges},
      {"policy.list", &AdminVerbs::ListRules},
      {"policy.set", &AdminVerbs::SetRule, kSome, kChanges},
      {"policy.delete", &AdminVerbs::DeleteRule, kSome, kChanges},
      {"cgroup.list", &AdminVerbs::ListCgroups},
      {"cgroup.set", &AdminVerbs::SetCgroup, kSome, kChanges},
      {"cgroup.delete", &AdminVerbs::DeleteCgroup, kSome, kChanges},
      {"level.get", &AdminVerbs::GetLevels},
      {"level.set", &AdminVerbs::SetLevels, kSome, kChanges},
      {"socket.list", &AdminVerbs::ListSockets},
      {"stats", &AdminVerbs::ShowStats},
      {"namespace", &AdminVerbs::PassNamespace},
      {"monitor", &AdminVerbs::Monitor},
  }};
  for (const Entry& entry : kVerbs) {
    if (entry.name == name) {
      return &entry;
    }
  }
  return nullptr;
}

Result<AdminReply> AdminVerbs::Obey(std::string_view request) {
  const Result<Value> parsed = ParseJson(request);
  if (!parsed.ok()) {
    return parsed.error();
  }
  defects_.clear();
  Section root(*parsed, "", defects_);
  const std::string name = root.RequireText("verb").value_or("");
  const Value* arguments = root.Take("arguments");
  root.Finish();
  if (!defects_.empty()) {
    return Refusal(defects_);
  }
  const Entry* entry = FindVerb(name);
  if (entry == nullptr) {
    return Error{ErrorCode::kUnsupported,
                 "this daemon knows no verb \"" + name +
                     "\": use a postern of the same version."};
  }
  const Value none{Object()};
  Section section(arguments == nullptr ? none : *arguments, "", defects_);
  if (entry->arguments == Entry::Arguments::kNone) {
    section.Finish();
    if (!defects_.empty()) {
      return Refusal(defects_);
    }
  }
  Result<AdminReply> reply = (this->*entry->verb)(section);
  if (reply.ok() && entry->effect == Entry::Effect::kChanges) {
    parts_.on_change();
  }
  return reply;
}

Result<AdminReply> AdminVerbs::ShowStatus(Section& /*none*/) {
  Object status = parts_.status();
  const auto count = [&status](const char* name, std::size_t value) {
    status.push_back({name, Value::Count(value), {}});
  };
  count("associations", parts_.associations.sadb().size());
  count("routes", parts_.system.routes().routes().size());
  count("policies", parts_.system.rules().rules().size());
  count("sockets", parts_.sockets.sockets());
  count("lingering_sockets", parts_.sockets.lingering());
  count("flows", parts_.sockets.flows());
  return Whole(MakeObject(std::move(status)));
}

Result<AdminReply> AdminVerbs::ListRoutes(Section& /*none*/) {
  return List("routes", [routes = parts_.system.routes().routes(),
                         next = std::size_t{0}]() mutable {
    return next < routes.size() ? std::optional(Describe(routes[next++]))
                                : std::nullopt;
  });
}

Result<AdminReply> AdminVerbs::SetRoute(Section& arguments) {
  std::optional<Route> route =
      ReadRoute(arguments, parts_.config.OwnAddresses());
  if (!route) {
    return Refusal(defects_);
  }
  for (const Status& carried :
       {limits_.Check(route->levels), limits_.CheckGateway(*route)}) {
    if (!carried.ok()) {
      return carried.error();
    }
  }
  const std::string prefix = route->prefix.ToString();
  const Value event = MakeEvent("route_set", {{"route", Describe(*route), {}}});
  Result<RouteTable> changed = parts_.system.routes().With(std::move(*route));
  if (!changed.ok()) {
    return changed.error();
  }
  ReplaceRoutes(std::move(*changed), event);
  return Whole(OneMember("set", prefix));
}

void AdminVerbs::ReplaceRoutes(RouteTable routes, const Value& event) {
  parts_.system.Replace(std::move(routes));
  parts_.feed.Publish(event);
}

Result<AdminReply> AdminVerbs::DeleteRoute(Section& arguments) {
  static_cast<void>(arguments.RequireText("prefix"));
  const auto prefix = arguments.Parsed("prefix", IpPrefix::Parse);
  arguments.Finish();
  if (!defects_.empty() || !prefix) {
    return Refusal(defects_);
  }
  Result<RouteTable> changed = parts_.system.routes().Without(*prefix);
  if (!changed.ok()) {
    return changed.error();
  }
  ReplaceRoutes(
      std::move(*changed),
      MakeEvent("route_deleted", {{"prefix", prefix->ToString(), {}}}));
  return Whole(OneMember("deleted", prefix->ToString()));
}

Result<AdminReply> AdminVerbs::ListCgroups(Section& /*none*/) {
  return Whole(OneMember("cgroups", parts_.cgroups.Describe()));
}

Result<AdminReply> AdminVerbs::SetCgroup(Section& arguments) {
  std::optional<CgroupRule> rule = ReadCgroupRule(arguments);
  if (!rule) {
    return Refusal(defects_);
  }
  const LevelSet levels = rule->levels;
  if (const Status carried = limits_.Check(levels); !carried.ok()) {
    return carried.error();
  }
  const Result<std::string> set = parts_.cgroups.Set(std::move(*rule));
  if (!set.ok()) {
    return set.error();
  }
  parts_.feed.Publish(MakeEvent(
      "cgroup_set", {{"path", *set, {}}, {"levels", Describe(levels), {}}}));
  return Whole(OneMember("set", *set));
}

Result<AdminReply> AdminVerbs::DeleteCgroup(Section& arguments) {
  static_cast<void>(arguments.RequireText("path"));
  const auto path = arguments.Parsed("path", NormalCgroupPath);
  arguments.Finish();
  if (!defects_.empty() || !path) {
    return Refusal(defects_);
  }
  const Result<std::string> deleted = parts_.cgroups.Delete(*path);
  if (!deleted.ok()) {
    return deleted.error();
  }
  parts_.feed.Publish(MakeEvent("cgroup_deleted", {{"path", *deleted, {}}}));
  return Whole(OneMember("deleted", *deleted));
}

Result<AdminReply> AdminVerbs::GetLevels(Section& /*none*/) {
  return Whole(MakeObject(DescribeLevels(parts_.system.routes())));
}

// Categories that are not named keep their level.
Result<AdminReply> AdminVerbs::SetLevels(Section& arguments) {
  const LevelSet wanted = ReadLevels(arguments);
  arguments.Finish();
  if (!defects_.empty()) {
    return Refusal(defects_);
  }
  if (const Status carried = limits_.Check(wanted); !carried.ok()) {
    return carried.error();
  }
  RouteTable table = parts_.system.routes();
  for (Route& route : DefaultRoutes(LevelSet())) {
    if (const Route* old = table.Get(route.prefix)) {
      route = *old;
    }
    for (const Category category : kCategories) {
      if (arguments.Has(NameOf(category))) {
        route.levels.Set(category, wanted.of(category));
      }
    }
    Result<RouteTable> changed = table.With(std::move(route));
    if (!changed.ok()) {
      return changed.error();
    }
    table = std::move(*changed);
  }
  const Value event = MakeEvent("levels_set", DescribeLevels(table));
  ReplaceRoutes(std::move(table), event);
  return GetLevels(arguments);
}

Result<AdminReply> AdminVerbs::ListSockets(Section& /*none*/) {
  struct Listed {
    SocketCookie cookie;
    LevelSet levels;
    WishesRef wishes;
  };

  std::vector<Listed> entries;
  parts_.sockets.Dump(
      [&entries](SocketCookie cookie, const SocketPolicy& policy) {
        entries.push_back({cookie, policy.levels(), policy.wishes().Load()});
      });
  return List("sockets",
              [entries = std::move(entries),
               next = std::size_t{0}]() mutable -> std::optional<Value> {
                if (next == entries.size()) {
                  return std::nullopt;
                }
                const Listed& entry = entries[next++];
                return DescribeSocket(entry.cookie, entry.levels, entry.wishes);
              });
}

Result<AdminReply> AdminVerbs::ShowStats(Section& /*none*/) {
  const auto total = [this](auto what) {
    std::uint64_t sum = 0;
    for (const WorkerStats* stats : parts_.stats) {
      sum += stats->of(what);
    }
    return sum;
  };
  Object counts;
  for (std::size_t i = 0; i < kCountCount; ++i) {
    const auto count = static_cast<Count>(i);
    counts.push_back(
        {std::string(NameOf(count)), Value::Count(total(count)), {}});
  }
  Object drops;
  Object meanings;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    const auto reason = static_cast<DropReason>(i);
    const DropReasonText& text = TextOf(reason);
    const std::string name(text.name);
    drops.push_back({name, Value::Count(total(reason)), {}});
    meanings.push_back({name,
                        MakeObject({{"sentence", text.sentence, {}},
                                    {"source", text.source, {}}}),
                        {}});
  }
  return Whole(MakeObject({{"counts", MakeObject(std::move(counts)), {}},
                           {"drops", MakeObject(std::move(drops)), {}},
                           {"meanings", MakeObject(std::move(meanings)), {}}}));
}

Result<AdminReply> AdminVerbs::PassNamespace(Section& /*none*/) {
  if (parts_.network_namespace == kNoFd) {
    return Error{ErrorCode::kUnavailable, "the host has no namespace now."};
  }
  AdminReply reply = Whole(OneMember("namespace", parts_.config.name));
  reply.fd = parts_.network_namespace;
  return reply;
}

Result<AdminReply> AdminVerbs::Monitor(Section& /*none*/) {
  AdminReply reply;
  reply.events = parts_.feed.Subscribe(parts_.acquires.Waiting(MonotonicNow()));
  return reply;
}

}  // namespace postern
