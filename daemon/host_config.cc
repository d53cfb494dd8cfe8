// SPDX-License-Identifier: Apache-2.0

#include "daemon/host_config.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "control/paths.h"
#include "core/crypto/legacy.h"
#include "daemon/cgroup_rules.h"
#include "daemon/ethernet_settings.h"
#include "daemon/lane.h"
#include "daemon/route_settings.h"
#include "daemon/rule_settings.h"
#include "daemon/wire_limits.h"
#include "daemon/wire_settings.h"
#include "settings/sa_settings.h"
#include "settings/toml_text.h"

namespace postern {
namespace {

Result<std::string> ParseHostName(std::string_view text) {
  if (!IsHostName(text)) {
    return Invalid(
        "write 1 to 32 letters, digits, dots, dashes and underscores, "
        "beginning with a letter or a digit, and not \"by-netns\".");
  }
  return std::string(text);
}

Result<std::string> ParseDirectory(std::string_view text) {
  if (!text.starts_with('/')) {
    return Invalid("write a directory's absolute path here, like /var/lib/" +
                   std::string(text) + ".");
  }
  return std::string(text);
}

Result<std::string> ParseNamespaceName(std::string_view text) {
  if (text.empty() || text == "." || text == ".." || text.size() > 255 ||
      text.find('/') != std::string_view::npos) {
    return Invalid("write a name as \"ip netns\" takes it, without slashes.");
  }
  return std::string(text);
}

// Empty: the best that the kernel allows.
Result<std::optional<Ownership>> ParseOwnership(std::string_view text) {
  if (text == "auto") {
    return std::optional<Ownership>();
  }
  for (const Ownership ownership : {Ownership::kBpf, Ownership::kSockDiag}) {
    if (text == NameOf(ownership)) {
      return std::optional(ownership);
    }
  }
  return Invalid("write \"auto\", \"bpf\" or \"sock_diag\".");
}

// One that is not there is a mistake in the file: whoever asks for it relies on
// it.
Result<CryptoBackend> ParseBackend(std::string_view text) {
  if (text == "auto") {
    return BestBackend();
  }
  const Result<CryptoBackend> backend = FindBackend(text);
  if (!backend.ok()) {
    return Invalid("write \"auto\", \"libcrypto\" or \"ipsec-mb\".");
  }
  if (const Status there = CheckBackend(*backend); !there.ok()) {
    return Error{there.error().code, there.error().message + "."};
  }
  return backend;
}

// The choice of legacy algorithms holds at once: the file's own SAs are judged
// by it.
void ReadCrypto(Section& root, HostConfig& config) {
  config.crypto = BestBackend();
  auto legacy = LegacyChoice::kForbid;
  if (auto crypto = root.Table("crypto")) {
    config.crypto =
        crypto->Parsed("backend", ParseBackend).value_or(config.crypto);
    if (crypto->Flag("legacy").value_or(false)) {
      legacy = LegacyChoice::kAllow;
    }
    crypto->Finish();
  }
  ChooseLegacy(legacy);
}

void ReadHost(Section& section, HostConfig& config) {
  if (section.RequireText("name")) {
    config.name = section.Parsed("name", ParseHostName).value_or("");
  }
  config.state_directory = section.Parsed("state_directory", ParseDirectory);
  config.run_directory = section.Parsed("run_directory", ParseDirectory);
  config.network.namespace_name =
      section.Parsed("namespace", ParseNamespaceName);
  config.network.ownership =
      section.Parsed("ownership", ParseOwnership).value_or(std::nullopt);
  config.otherwise =
      section.Parsed("default", ParseOtherwise).value_or(config.otherwise);
  if (section.Flag("tell_discards").value_or(false)) {
    config.discards = OutboundPipeline::Parts::Discards::kTold;
  }
  config.threads = static_cast<std::size_t>(
      section.Whole("threads", {.least = 1, .most = 2}).value_or(2));
  config.busy_poll = std::chrono::microseconds(
      section.Whole("busy_poll_us", {.least = 0, .most = 1000}).value_or(0));
  if (const auto minutes = section.Whole("keepalive_minutes", {0, 60})) {
    config.keepalive_afterlife = std::chrono::minutes(*minutes);
  }
  config.network.pairs = static_cast<std::size_t>(
      section.Whole("pairs", {.least = 1, .most = Lane::kMostPairs})
          .value_or(1));
  section.Finish();
}

void ReadLog(Section& section, HostConfig& config) {
  config.log_level =
      section.Parsed("level", ParseLogLevel).value_or(LogLevel::kInfo);
  config.audit = section.Flag("audit").value_or(true) ? AuditLog::Switch::kOn
                                                      : AuditLog::Switch::kOff;
  if (!section.Flag("unused_ecn").value_or(true)) {
    config.notices.unused_ecn = NoticeRules::UnusedEcn::kSilent;
  }
  section.Finish();
}

void ReadAddresses(Section& section, TunConfig& tun) {
  std::set<IpAddress> seen;
  for (const std::string& text : section.Texts("addresses")) {
    const Result<OwnAddress> own = OwnAddress::Parse(text);
    if (!own.ok()) {
      section.Refuse("addresses", own.error().message);
    } else if (!seen.insert(own->address).second) {
      section.Refuse("addresses", own->address.ToString() +
                                      " is listed twice: remove one of them.");
    } else {
      tun.addresses.push_back(*own);
    }
  }
  if (tun.addresses.empty() && section.clean()) {
    section.Refuse(section.Has("addresses") ? "addresses" : "",
                   "the host needs an address: write addresses = "
                   "[\"10.9.0.1/24\"].");
  }
}

void ReadTun(Section& section, HostConfig& config) {
  TunConfig& tun = config.network.tun;
  tun.name = section.Parsed("name", ParseLinkName).value_or("tun0");
  const std::optional<std::size_t> wire = MtuOf(config.network.wire);
  if (wire) {
    tun.mtu_octets = TunMtuOver(*wire);
  }
  // IPv6 needs kLeastMtu, even over a wire that carries less.
  const std::size_t most = std::max(kLeastMtu, wire.value_or(kMostMtu));
  if (const auto mtu =
          section.Whole("mtu", {static_cast<std::int64_t>(kLeastMtu),
                                static_cast<std::int64_t>(most)})) {
    tun.mtu_octets = static_cast<std::size_t>(*mtu);
  }
  if (!section.Flag("offload").value_or(true)) {
    tun.framing = TunFraming::kPlain;
  }
  ReadAddresses(section, tun);
  CheckOwnAddresses(section, config.network);
  CheckGateways(section, config.network);
  section.Finish();
}

void RefuseUnless(const Status& carried, std::string_view key,
                  Section& section) {
  if (!carried.ok()) {
    section.Refuse(key, carried.error().message);
  }
}

void ReadRoutes(Section& root, const WireLimits& limits, HostConfig& config) {
  if (auto levels = root.Table("levels")) {
    const LevelSet defaults = ReadLevels(*levels);
    levels->Finish();
    RefuseUnless(limits.Check(defaults), "ah", *levels);
    config.routes = DefaultRoutes(defaults);
    if (config.otherwise == RuleTable::Otherwise::kDiscard) {
      levels->Refuse("",
                     "these name every packet, so that [host] default = "
                     "\"discard\" discards none: leave out one of the two.");
    }
  }
  std::set<IpPrefix> seen;
  for (Section& section : root.Tables("route")) {
    std::optional<Route> route = ReadRoute(section, config.OwnAddresses());
    if (!route) {
      continue;
    }
    RefuseUnless(limits.Check(route->levels), "ah", section);
    RefuseUnless(limits.CheckGateway(*route), "gateway", section);
    if (!seen.insert(route->prefix).second) {
      section.Refuse("prefix", route->prefix.ToString() +
                                   " has two routes: remove one of them.");
      continue;
    }
    // A [[route]] for 0.0.0.0/0 or ::/0 says more than [levels].
    std::erase_if(config.routes, [&route](const Route& other) {
      return other.prefix == route->prefix;
    });
    config.routes.push_back(std::move(*route));
  }
}

void ReadRules(Section& root, const WireLimits& limits, HostConfig& config) {
  std::set<std::string> seen;
  for (Section& section : root.Tables("policy")) {
    std::optional<Rule> rule = ReadRule(section);
    if (!rule) {
      continue;
    }
    RefuseUnless(Check(limits, *rule), "", section);
    if (!seen.insert(rule->name).second) {
      section.Refuse("name",
                     rule->name + " is there twice: give one another name.");
    }
    config.rules.push_back(std::move(*rule));
  }
}

void ReadCgroups(Section& root, const WireLimits& limits, HostConfig& config) {
  for (Section& section : root.Tables("cgroup")) {
    std::optional<CgroupRule> rule = ReadCgroupRule(section);
    if (!rule) {
      continue;
    }
    RefuseUnless(limits.Check(rule->levels), "ah", section);
    if (std::ranges::find(config.cgroups, rule->path, &CgroupRule::path) !=
        config.cgroups.end()) {
      section.Refuse("path",
                     rule->path + " has two rules: remove one of them.");
      continue;
    }
    config.cgroups.push_back(std::move(*rule));
  }
}

void ReadAssociations(Section& root, const std::string& directory,
                      const WireLimits& limits, HostConfig& config) {
  const SaSettingsContext context{
      .own_addresses = config.OwnAddresses(),
      .read_key =
          [&directory](std::string_view text) {
            return ReadKeyOrFile(text, directory);
          },
      .check_carried =
          [&limits](const SaParameters& parameters) {
            return limits.Check(parameters);
          },
      .window = DefaultReplayWindow(config.network.pairs)};
  std::set<SaIdentity> seen;
  for (Section& section : root.Tables("sa")) {
    std::optional<SaParameters> parameters = ReadAssociation(section, context);
    if (!parameters) {
      continue;
    }
    const SaIdentity identity = parameters->identity();
    if (!seen.insert(identity).second) {
      section.Refuse("spi", "there are two SAs " + ToString(identity) +
                                ": give one of them another SPI.");
      continue;
    }
    config.associations.push_back(std::move(*parameters));
  }
}

// A table of the file; one that must be there and is not is a defect.
std::optional<Section> RequireTable(Section& root, std::string_view key) {
  std::optional<Section> table = root.Table(key);
  if (!table) {
    root.Refuse("", "the table [" + std::string(key) + "] is missing.");
  }
  return table;
}

Defects Unplaced(std::string message) {
  return {{.place = {}, .key = {}, .message = std::move(message)}};
}

std::string DirectoryOf(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : file.substr(0, slash);
}

}  // namespace

std::vector<IpAddress> HostConfig::OwnAddresses() const {
  return network.OwnAddresses();
}

Expected<HostConfig, Defects> ParseHostConfig(std::string_view text,
                                              const std::string& directory) {
  const Expected<Value, Defect> parsed = ParseToml(text);
  if (!parsed.ok()) {
    return Defects{parsed.error()};
  }
  Defects defects;
  HostConfig config;
  Section root(*parsed, "", defects);
  if (auto host = RequireTable(root, "host")) {
    ReadHost(*host, config);
  }
  if (auto wire = RequireTable(root, "wire")) {
    config.network.wire = ReadWire(*wire, directory, config.name);
  }
  if (auto tun = RequireTable(root, "tun")) {
    ReadTun(*tun, config);
  }
  if (auto log = root.Table("log")) {
    ReadLog(*log, config);
  }
  if (auto monitor = root.Table("monitor")) {
    config.selector_mismatches = static_cast<std::uint32_t>(
        monitor->Whole("selector_mismatches", {0, 1000})
            .value_or(SelectorNews::kUsualRate));
    monitor->Finish();
  }
  ReadCrypto(root, config);
  if (auto api = root.Table("api")) {
    config.api = ReadApiRules(*api);
  }
  if (auto acquire = root.Table("acquire")) {
    config.acquire = ReadAcquireSettings(*acquire);
  }
  if (auto path_mtu = root.Table("path_mtu")) {
    config.path_mtu = ReadPathMtuRules(*path_mtu);
  }
  // Not of a wire that is not known: one mistake is told once.
  const WireLimits limits =
      defects.empty() ? WireLimits(config.network) : WireLimits();
  ReadRoutes(root, limits, config);
  ReadRules(root, limits, config);
  ReadCgroups(root, limits, config);
  ReadAssociations(root, directory, limits, config);
  root.Finish();
  if (!defects.empty()) {
    return defects;
  }
  return config;
}

Expected<HostConfig, Defects> LoadHostConfig(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    return Unplaced(
        "the file cannot be read: " + std::string(std::strerror(errno)) + ".");
  }
  const std::string text((std::istreambuf_iterator<char>(stream)),
                         std::istreambuf_iterator<char>());
  if (stream.bad()) {
    return Unplaced("the file cannot be read to its end.");
  }
  return ParseHostConfig(text, DirectoryOf(file));
}

}  // namespace postern
