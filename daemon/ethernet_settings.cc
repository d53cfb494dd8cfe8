// SPDX-License-Identifier: Apache-2.0

#include "daemon/ethernet_settings.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/wire_settings.h"
#include "wire/ethernet_wire.h"

namespace postern {
namespace {

constexpr Section::Range kMtus = {
    static_cast<std::int64_t>(kLeastMtu),
    static_cast<std::int64_t>(EthernetWire::kMostMtu)};

Result<MacAddress> ParseStation(std::string_view text) {
  Result<MacAddress> mac = MacAddress::Parse(text);
  if (mac.ok() && !mac->is_station()) {
    return Invalid(mac->ToString() +
                   " is the address of a group, or of nobody: write one whose "
                   "first octet is even, best 02.");
  }
  return mac;
}

void ReadGateways(Section& section, WireConfig& wire) {
  for (const std::string& text : section.Texts("gateways")) {
    const Result<IpAddress> gateway = IpAddress::Parse(text);
    if (!gateway.ok()) {
      section.Refuse("gateways", gateway.error().message);
    } else if (gateway->is_unspecified() || gateway->is_multicast()) {
      section.Refuse("gateways", gateway->ToString() +
                                     " cannot be a router's address: write a "
                                     "unicast one.");
    } else if (FirstOf(gateway->family(), wire.gateways)) {
      section.Refuse("gateways",
                     gateway->ToString() +
                         " is the second one of its family: write one for IPv4 "
                         "and one for IPv6 at most.");
    } else {
      wire.gateways.push_back(*gateway);
    }
  }
}

void ReadStation(Section& section, WireConfig& wire) {
  wire.mac = section.Parsed("mac", ParseStation);
  ReadGateways(section, wire);
}

// Whether an address of this family has others in its prefix.
bool HasNeighbours(const TunConfig& tun, IpFamily family) {
  return std::ranges::any_of(tun.addresses, [&](const OwnAddress& own) {
    return own.address.family() == family && own.prefix_length < BitsOf(family);
  });
}

bool IsNeighbour(const TunConfig& tun, const IpAddress& address) {
  return address.is_link_local() ||
         std::ranges::any_of(tun.addresses, [&](const OwnAddress& own) {
           return IpPrefix(own.address, own.prefix_length).Contains(address);
         });
}

std::optional<std::size_t> ReadMtu(Section& section) {
  const auto mtu = section.Whole("mtu", kMtus);
  return mtu ? std::optional(static_cast<std::size_t>(*mtu)) : std::nullopt;
}

}  // namespace

void ReadTapWire(Section& section, const std::string& host_name,
                 WireConfig& wire) {
  wire.name = section.Parsed("name", ParseLinkName)
                  .value_or(DefaultWireName(host_name));
  wire.mtu_octets = ReadMtu(section).value_or(wire.mtu_octets);
  wire.bridge = section.Parsed("bridge", ParseLinkName);
  ReadStation(section, wire);
}

void ReadPacketWire(Section& section, WireConfig& wire) {
  if (section.RequireText("interface")) {
    wire.name = section.Parsed("interface", ParseLinkName).value_or("");
  }
  wire.path_mtu_octets = ReadMtu(section);
  ReadStation(section, wire);
}

void CheckGateways(Section& tun, const NetworkConfig& network) {
  if (!IsEthernet(network.wire.kind) || network.tun.addresses.empty()) {
    return;
  }
  const std::vector<IpAddress> own = network.OwnAddresses();
  for (const IpAddress& gateway : network.wire.gateways) {
    if (!FirstOf(gateway.family(), own)) {
      tun.Refuse("addresses",
                 "the wire's gateway " + gateway.ToString() +
                     " is of a family in which this host has no address: add "
                     "one, or remove the gateway.");
    } else if (HasNeighbours(network.tun, gateway.family()) &&
               !IsNeighbour(network.tun, gateway)) {
      tun.Refuse("addresses",
                 "the wire's gateway " + gateway.ToString() +
                     " is in no prefix of these: correct it, or the length of "
                     "the prefix that is on the Ethernet.");
    } else if (std::ranges::find(own, gateway) != own.end()) {
      tun.Refuse("addresses", gateway.ToString() +
                                  " is the wire's gateway, too: each host has "
                                  "its own address.");
    }
  }
  for (const OwnAddress& address : network.tun.addresses) {
    const IpFamily family = address.address.family();
    if (!HasNeighbours(network.tun, family) &&
        !FirstOf(family, network.wire.gateways)) {
      tun.Refuse(
          "addresses",
          address.address.ToString() +
              " is alone on its Ethernet: write the length of the prefix "
              "that is there, " +
              address.address.ToString() +
              (family == IpFamily::kV4 ? "/24" : "/64") +
              ", or name a router in [wire] gateways.");
    }
  }
}

}  // namespace postern
