// SPDX-License-Identifier: Apache-2.0

#include "core/flow/flow_key.h"

#include <array>

#include "core/bytes.h"
#include "core/keyed_hash.h"

namespace postern {
namespace {

std::string ProtocolName(std::uint8_t protocol) {
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::kTcp:
      return "tcp";
    case IpProtocol::kUdp:
      return "udp";
    case IpProtocol::kIcmp:
      return "icmp";
    case IpProtocol::kIcmpv6:
      return "icmpv6";
    case IpProtocol::kEsp:
      return "esp";
    case IpProtocol::kAh:
      return "ah";
    default:
      return "protocol " + std::to_string(protocol);
  }
}

bool HasPorts(const FlowKey& key) {
  return key.local_port != 0 || key.remote_port != 0;
}

// "10.9.0.1:4711", "[2001:db8::1]:4711", or the address alone.
std::string End(const FlowKey& key, const IpAddress& address,
                std::uint16_t port) {
  if (!HasPorts(key)) {
    return address.ToString();
  }
  const bool v6 = address.family() == IpFamily::kV6;
  return (v6 ? "[" + address.ToString() + "]" : address.ToString()) + ":" +
         std::to_string(port);
}

}  // namespace

std::string ToString(const FlowKey& key) {
  return ProtocolName(key.protocol) + " " +
         End(key, key.local, key.local_port) + " > " +
         End(key, key.remote, key.remote_port);
}

std::size_t FlowKeyHash::operator()(const FlowKey& key) const {
  std::array<std::uint8_t, 37> buffer{};  // two addresses, two ports, protocol
  Writer out(buffer);
  out.Put(key.local.octets());
  out.Put(key.remote.octets());
  out.Write(key.local_port);
  out.Write(key.remote_port);
  out.Write(key.protocol);
  return KeyedHash(out.written());
}

}  // namespace postern
