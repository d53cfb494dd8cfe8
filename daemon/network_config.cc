// SPDX-License-Identifier: Apache-2.0

#include "daemon/network_config.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "policy/bundle.h"

namespace postern {

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

std::set<IpFamily> TunConfig::Families() const {
  std::set<IpFamily> families;
  for (const OwnAddress& own : addresses) {
    families.insert(own.address.family());
  }
  return families;
}

std::vector<IpAddress> NetworkConfig::OwnAddresses() const {
  std::vector<IpAddress> addresses;
  for (const OwnAddress& own : tun.addresses) {
    addresses.push_back(own.address);
  }
  return addresses;
}

std::optional<std::size_t> MtuOf(const WireConfig& wire) {
  if (wire.kind == WireKind::kTun || wire.kind == WireKind::kTap) {
    return wire.mtu_octets;
  }
  if (wire.kind == WireKind::kPacket) {
    return std::nullopt;
  }
  return wire.path_mtu_octets
             ? std::optional(*wire.path_mtu_octets - UdpOverhead(wire.peers))
             : std::nullopt;
}

std::size_t TunMtuOver(std::size_t wire_mtu_octets) {
  return std::max(kLeastMtu, wire_mtu_octets - std::min(wire_mtu_octets,
                                                        kWorstBundleOverhead));
}

}  // namespace postern
