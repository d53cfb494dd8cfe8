// SPDX-License-Identifier: Apache-2.0

#include "daemon/wire_settings.h"

#include <algorithm>
#include <limits>
#include <set>

namespace postern {
namespace {

constexpr Section::Range kPerMille = {0, 1000};

Result<WireKind> ParseWireKind(std::string_view text) {
  for (const WireKind kind : {WireKind::kTun, WireKind::kUdp}) {
    if (text == NameOf(kind)) {
      return kind;
    }
  }
  return Error{ErrorCode::kUnsupported,
               "the wire \"" + std::string(text) +
                   "\" is not built yet: write \"tun\" or \"udp\"."};
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
  if (section.Take("name") != nullptr) {
    section.Refuse("name", "a udp wire has no interface to name: remove it.");
  }
  if (const auto mtu =
          section.Whole("mtu", {static_cast<std::int64_t>(kLeastMtu),
                                static_cast<std::int64_t>(kMostMtu)})) {
    wire.path_mtu_octets = static_cast<std::size_t>(*mtu);
  }
}

void ReadTunWire(Section& section, const std::string& host_name,
                 WireConfig& wire) {
  // A default that tells the host, where it fits into an interface's name.
  wire.name = section.Parsed("name", ParseLinkName)
                  .value_or(("wire-" + host_name).substr(0, 15));
  wire.mtu_octets = static_cast<std::size_t>(
      section
          .Whole("mtu", {static_cast<std::int64_t>(kLeastMtu),
                         static_cast<std::int64_t>(kMostMtu)})
          .value_or(1500));
  for (const char* key : {"listen", "peer"}) {
    if (section.Take(key) != nullptr) {
      section.Refuse(key,
                     "only a wire of the kind \"udp\" has this: remove it, or "
                     "write kind = \"udp\".");
    }
  }
}

}  // namespace

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
  if (wire.kind == WireKind::kUdp) {
    ReadUdp(section, wire);
  } else if (kind || (!section.Has("listen") && !section.Has("peer"))) {
    ReadTunWire(section, host_name, wire);
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
