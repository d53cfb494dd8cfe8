// SPDX-License-Identifier: Apache-2.0

#include "daemon/wire_settings.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "daemon/ethernet_settings.h"

namespace postern {
namespace {

constexpr Section::Range kPerMille = {0, 1000};

Result<WireKind> ParseWireKind(std::string_view text) {
  for (const WireKind kind :
       {WireKind::kTun, WireKind::kUdp, WireKind::kTap, WireKind::kPacket}) {
    if (text == NameOf(kind)) {
      return kind;
    }
  }
  return Invalid("there is no wire \"" + std::string(text) +
                 "\": write \"tun\", \"udp\", \"tap\" or \"packet\".");
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

Result<IpAddress> ParsePeerHost(std::string_view text) {
  Result<IpAddress> host = IpAddress::Parse(text);
  if (host.ok() && (host->is_unspecified() || host->is_multicast())) {
    return Invalid(host->ToString() +
                   " cannot be a host's address: write a unicast one.");
  }
  return host;
}

Result<UdpEndpoint> ParsePeerEndpoint(std::string_view text) {
  Result<UdpEndpoint> at = UdpEndpoint::Parse(text);
  if (at.ok() && at->address.is_unspecified()) {
    return Invalid("a peer is at one address: write its own instead of " +
                   at->address.ToString() + ".");
  }
  return at;
}

// A text, or a list of them.
std::vector<std::string> ReadListenTexts(Section& section) {
  const Value* value = section.Take("listen");
  if (value == nullptr) {
    section.Refuse(
        "",
        "a udp wire needs an address and a port here: write listen = "
        "\"192.0.2.1:4500\".");
    return {};
  }
  return value->text() != nullptr ? std::vector{*value->text()}
                                  : section.Texts("listen");
}

void ReadListen(Section& section, WireConfig& wire) {
  const std::vector<std::string> texts = ReadListenTexts(section);
  if (texts.empty() && section.clean()) {
    section.Refuse("listen",
                   "write an address and a port, \"192.0.2.1:4500\".");
  }
  for (const std::string& text : texts) {
    const Result<UdpEndpoint> at = UdpEndpoint::Parse(text);
    if (!at.ok()) {
      section.Refuse("listen", at.error().message);
      continue;
    }
    const auto same_family = [&at](const UdpEndpoint& other) {
      return other.address.family() == at->address.family();
    };
    if (std::ranges::any_of(wire.listen, same_family)) {
      section.Refuse("listen", at->ToString() +
                                   " is the second one of its family: write "
                                   "one for IPv4 and one for IPv6 at most.");
      continue;
    }
    wire.listen.push_back(*at);
  }
}

// What the peers before this one leave to it.
void CheckPeer(Section& section, const WireConfig& wire, const UdpPeer& peer) {
  for (const UdpPeer& other : wire.peers) {
    if (other.host == peer.host) {
      section.Refuse("host", peer.host.ToString() +
                                 " is a peer twice: remove one of them.");
    }
    if (other.at == peer.at) {
      section.Refuse(
          "at", peer.at.ToString() + " is the peer " + other.host.ToString() +
                    " already, and a datagram does not say which of the two it "
                    "is of: give this one another address or port.");
    }
  }
  if (std::ranges::find(wire.listen, peer.at) != wire.listen.end()) {
    section.Refuse("at", peer.at.ToString() +
                             " is where this host itself listens: write where "
                             "the peer does.");
  }
  const auto listens = [&peer](const UdpEndpoint& at) {
    return at.address.family() == peer.at.address.family();
  };
  if (!wire.listen.empty() && std::ranges::none_of(wire.listen, listens)) {
    section.Refuse("at", "nothing listens in the family of " +
                             peer.at.ToString() +
                             ": add an address of it to listen.");
  }
}

void ReadPeers(Section& section, WireConfig& wire) {
  std::vector<Section> tables = section.Tables("peer");
  for (Section& table : tables) {
    UdpPeer peer;
    if (table.RequireText("host")) {
      peer.host = table.Parsed("host", ParsePeerHost).value_or(IpAddress());
    }
    if (table.RequireText("at")) {
      peer.at = table.Parsed("at", ParsePeerEndpoint).value_or(UdpEndpoint());
    }
    table.Finish();
    if (table.clean()) {
      CheckPeer(table, wire, peer);
      wire.peers.push_back(peer);
    }
  }
  if (tables.empty()) {
    section.Refuse("",
                   "a udp wire needs peers: write [[wire.peer]] with host = "
                   "\"10.9.2.1\" and at = \"192.0.2.2:4500\" below it.");
  }
}

void ReadUdp(Section& section, WireConfig& wire) {
  ReadListen(section, wire);
  ReadPeers(section, wire);
  if (const auto mtu =
          section.Whole("mtu", {static_cast<std::int64_t>(kLeastMtu),
                                static_cast<std::int64_t>(kMostMtu)})) {
    wire.path_mtu_octets = static_cast<std::size_t>(*mtu);
  }
}

void ReadTunWire(Section& section, const std::string& host_name,
                 WireConfig& wire) {
  wire.name = section.Parsed("name", ParseLinkName)
                  .value_or(DefaultWireName(host_name));
  wire.mtu_octets = static_cast<std::size_t>(
      section
          .Whole("mtu", {static_cast<std::int64_t>(kLeastMtu),
                         static_cast<std::int64_t>(kMostMtu)})
          .value_or(1500));
}

// A key that not every kind has.
struct KeyOf {
  const char* key;
  std::vector<WireKind> kinds;
  const char* otherwise;
};

constexpr const char* kUdpOnly =
    "only a wire of the kind \"udp\" has this: remove it, or write kind = "
    "\"udp\".";
constexpr const char* kEthernetOnly =
    "only a wire of the kind \"tap\" or \"packet\" has this: remove it.";

void RefuseKeysOfOthers(Section& section, WireKind kind) {
  const std::array<KeyOf, 7> keys = {{
      {"listen", {WireKind::kUdp}, kUdpOnly},
      {"peer", {WireKind::kUdp}, kUdpOnly},
      {"name",
       {WireKind::kTun, WireKind::kTap},
       kind == WireKind::kUdp
           ? "a udp wire has no interface to name: remove it."
           : "a packet wire makes no interface: name the one that it shall use "
             "by interface = \"eth0\"."},
      {"interface",
       {WireKind::kPacket},
       "only a wire of the kind \"packet\" uses an interface that is there: "
       "remove it, or write kind = \"packet\"."},
      {"bridge",
       {WireKind::kTap},
       "only a wire of the kind \"tap\" can be a bridge's port: remove it, or "
       "write kind = \"tap\"."},
      {"mac", {WireKind::kTap, WireKind::kPacket}, kEthernetOnly},
      {"gateways", {WireKind::kTap, WireKind::kPacket}, kEthernetOnly},
  }};
  for (const KeyOf& key : keys) {
    if (std::ranges::find(key.kinds, kind) == key.kinds.end() &&
        section.Take(key.key) != nullptr) {
      section.Refuse(key.key, key.otherwise);
    }
  }
}

void ReadKind(Section& section, const std::string& host_name,
              WireConfig& wire) {
  switch (wire.kind) {
    case WireKind::kTun:
      ReadTunWire(section, host_name, wire);
      break;
    case WireKind::kUdp:
      ReadUdp(section, wire);
      break;
    case WireKind::kTap:
      ReadTapWire(section, host_name, wire);
      break;
    case WireKind::kPacket:
      ReadPacketWire(section, wire);
      break;
  }
  RefuseKeysOfOthers(section, wire.kind);
}

}  // namespace

std::string DefaultWireName(const std::string& host_name) {
  constexpr std::size_t kLongest = 15;
  return ("wire-" + host_name).substr(0, kLongest);
}

Result<std::string> ParseLinkName(std::string_view text) {
  const bool odd = text.find_first_of("/: \t\n%") != std::string_view::npos;
  if (text.empty() || text.size() > 15 || text == "." || text == ".." || odd) {
    return Invalid(
        "write an interface's name: 1 to 15 characters without slash, colon, "
        "percent sign and blanks.");
  }
  return std::string(text);
}

WireConfig ReadWire(Section& section, const std::string& directory,
                    const std::string& host_name) {
  WireConfig wire;
  std::optional<WireKind> kind;
  if (section.RequireText("kind")) {
    kind = section.Parsed("kind", ParseWireKind);
  }
  wire.kind = kind.value_or(WireKind::kTun);
  if (kind) {
    ReadKind(section, host_name, wire);
  }
  if (auto record = section.Text("record")) {
    wire.record =
        record->starts_with('/') ? *record : directory + "/" + *record;
  }
  if (auto faults = section.Table("faults")) {
    wire.faults = ReadFaults(*faults);
  }
  // Of a kind that is not known no key is known either.
  if (kind || section.clean()) {
    section.Finish();
  }
  return wire;
}

void CheckOwnAddresses(Section& tun, const NetworkConfig& network) {
  const std::vector<IpAddress> own = network.OwnAddresses();
  if (own.empty()) {
    return;  // that has been told
  }
  for (const UdpPeer& peer : network.wire.peers) {
    if (!FirstOf(peer.host.family(), own)) {
      tun.Refuse("addresses",
                 "the wire's peer " + peer.host.ToString() +
                     " is of a family in which this host has no address: add "
                     "one, or remove the peer.");
    } else if (std::ranges::find(own, peer.host) != own.end()) {
      tun.Refuse("addresses", peer.host.ToString() +
                                  " is one of the wire's peers, too: each host "
                                  "has its own address.");
    }
  }
}

}  // namespace postern
