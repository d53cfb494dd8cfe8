// SPDX-License-Identifier: Apache-2.0

#include "daemon/host_config.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <utility>

#include "control/paths.h"
#include "daemon/cgroup_rules.h"
#include "daemon/route_settings.h"
#include "daemon/sa_settings.h"
#include "daemon/toml_text.h"
#include "policy/bundle.h"

namespace postern {
namespace {

constexpr std::size_t kLeastMtu = 1280;  // IPv6's (RFC 8200 5)
constexpr Section::Range kPerMille = {0, 1000};

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

// As the kernel's dev_valid_name().
Result<std::string> ParseLinkName(std::string_view text) {
  const bool odd = text.find_first_of("/: \t\n%") != std::string_view::npos;
  if (text.empty() || text.size() > 15 || text == "." || text == ".." || odd) {
    return Invalid(
        "write an interface's name: 1 to 15 characters without slash, colon, "
        "percent sign and blanks.");
  }
  return std::string(text);
}

Result<std::string> ParseWireKind(std::string_view text) {
  if (text != "tun") {
    return Error{ErrorCode::kUnsupported, "the wire \"" + std::string(text) +
                                              "\" is not built yet: write "
                                              "\"tun\"."};
  }
  return std::string(text);
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
  // A bundle that still fits the wire, but never less than IPv6 needs.
  const std::size_t wire = config.network.wire.mtu_octets;
  tun.mtu_octets = std::max(kLeastMtu, wire - kWorstBundleOverhead);
  if (const auto mtu =
          section.Whole("mtu", {static_cast<std::int64_t>(kLeastMtu),
                                static_cast<std::int64_t>(wire)})) {
    tun.mtu_octets = static_cast<std::size_t>(*mtu);
  }
  if (!section.Flag("offload").value_or(true)) {
    tun.framing = TunFraming::kPlain;
  }
  ReadAddresses(section, tun);
  section.Finish();
}

// Absent: no faults in this direction.
FaultPlan ReadFaultPlan(Section& faults, std::string_view direction) {
  FaultPlan plan;
  std::optional<Section> section = faults.Table(direction);
  if (!section) {
    return plan;
  }
  const auto per_mille = [&section](std::string_view key) {
    return static_cast<unsigned>(section->Whole(key, kPerMille).value_or(0));
  };
  plan.drop_per_mille = per_mille("drop_per_mille");
  plan.duplicate_per_mille = per_mille("duplicate_per_mille");
  plan.reorder_per_mille = per_mille("reorder_per_mille");
  plan.flip_per_mille = per_mille("flip_per_mille");
  plan.delay_per_mille = per_mille("delay_per_mille");
  if (const auto packets = section->Whole("delay_packets", {1, 1000})) {
    plan.delay_packets = static_cast<std::size_t>(*packets);
  }
  section->Finish();
  return plan;
}

FaultInjector::Plan ReadFaults(Section& section) {
  FaultInjector::Plan plan;
  plan.seed = static_cast<std::uint64_t>(
      section.Whole("seed", {0, std::numeric_limits<std::int64_t>::max()})
          .value_or(0));
  plan.sending = ReadFaultPlan(section, "sending");
  plan.receiving = ReadFaultPlan(section, "receiving");
  section.Finish();
  return plan;
}

void ReadWire(Section& section, const std::string& directory,
              HostConfig& config) {
  constexpr std::int64_t kMostMtu = 9216;  // what a pool's packet holds
  WireConfig& wire = config.network.wire;
  if (section.RequireText("kind")) {
    static_cast<void>(section.Parsed("kind", ParseWireKind));
  }
  // A default that tells the host, where it fits into an interface's name.
  wire.name = section.Parsed("name", ParseLinkName)
                  .value_or(("wire-" + config.name).substr(0, 15));
  wire.mtu_octets = static_cast<std::size_t>(
      section.Whole("mtu", {static_cast<std::int64_t>(kLeastMtu), kMostMtu})
          .value_or(1500));
  if (auto record = section.Text("record")) {
    wire.record =
        record->starts_with('/') ? *record : directory + "/" + *record;
  }
  if (auto faults = section.Table("faults")) {
    wire.faults = ReadFaults(*faults);
  }
  section.Finish();
}

void ReadRoutes(Section& root, HostConfig& config) {
  if (auto levels = root.Table("levels")) {
    const LevelSet defaults = ReadLevels(*levels);
    levels->Finish();
    config.routes = DefaultRoutes(defaults);
  }
  std::set<IpPrefix> seen;
  for (Section& section : root.Tables("route")) {
    std::optional<Route> route = ReadRoute(section);
    if (!route) {
      continue;
    }
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

void ReadCgroups(Section& root, HostConfig& config) {
  for (Section& section : root.Tables("cgroup")) {
    std::optional<CgroupRule> rule = ReadCgroupRule(section);
    if (!rule) {
      continue;
    }
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
                      HostConfig& config) {
  const SaSettingsContext context{
      .own_addresses = config.OwnAddresses(),
      .read_key = [&directory](std::string_view text) {
        return ReadKeyOrFile(text, directory);
      }};
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

std::string_view NameOf(Ownership ownership) {
  return ownership == Ownership::kBpf ? "bpf" : "sock_diag";
}

Result<OwnAddress> OwnAddress::Parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const Result<IpAddress> address = IpAddress::Parse(text.substr(0, slash));
  if (!address.ok()) {
    return address.error();
  }
  const unsigned most = BitsOf(address->family());
  OwnAddress own{.address = *address, .prefix_length = most};
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto read = std::from_chars(
        digits.data(), digits.data() + digits.size(), own.prefix_length);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() ||
        own.prefix_length > most) {
      return Invalid("\"" + std::string(text) +
                     "\" has no prefix length behind the slash: write a number "
                     "up to " +
                     std::to_string(most) + ".");
    }
  }
  if (address->is_unspecified() || address->is_multicast()) {
    return Invalid(address->ToString() +
                   " cannot be a host's address: write a unicast one.");
  }
  return own;
}

std::vector<IpAddress> HostConfig::OwnAddresses() const {
  std::vector<IpAddress> addresses;
  for (const OwnAddress& own : network.tun.addresses) {
    addresses.push_back(own.address);
  }
  return addresses;
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
    ReadWire(*wire, directory, config);
  }
  if (auto tun = RequireTable(root, "tun")) {
    ReadTun(*tun, config);
  }
  if (auto log = root.Table("log")) {
    config.log_level =
        log->Parsed("level", ParseLogLevel).value_or(LogLevel::kInfo);
    log->Finish();
  }
  if (auto api = root.Table("api")) {
    config.api = ReadApiRules(*api);
  }
  if (auto acquire = root.Table("acquire")) {
    config.acquire = ReadAcquireSettings(*acquire);
  }
  ReadRoutes(root, config);
  ReadCgroups(root, config);
  ReadAssociations(root, directory, config);
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
