// SPDX-License-Identifier: Apache-2.0

#include "policy/flow_pattern.h"

namespace postern {

FlowPattern::FlowPattern(const FlowKey& flow, Direction direction)
    : is_v4_(flow.local.family() == IpFamily::kV4),
      is_tcp_(flow.protocol == Number(IpProtocol::kTcp)) {
  if (!is_tcp_ && flow.protocol != Number(IpProtocol::kUdp)) {
    return;
  }
  const bool out = direction == Direction::kOutbound;
  const ConstBytes source = (out ? flow.local : flow.remote).octets();
  const ConstBytes destination = (out ? flow.remote : flow.local).octets();
  const Bytes value = value_;
  value[0] = is_v4_ ? 0x45 : 0x60;
  if (is_v4_) {  // no fragment
    StoreBe(value.subspan(ipv4::kFragment), std::uint16_t{0});
  }
  value[is_v4_ ? ipv4::kProtocol : ipv6::kNextHeader] = flow.protocol;
  const Bytes addresses =
      value.subspan(is_v4_ ? ipv4::kAddresses : ipv6::kAddresses);
  CopyBytes(addresses, source);
  CopyBytes(addresses.subspan(source.size()), destination);
  const std::size_t header = is_v4_ ? ipv4::kHeaderSize : kIpv6HeaderSize;
  const Bytes ports = value.subspan(header, kPortsSize);
  StoreBe(ports, out ? flow.local_port : flow.remote_port);
  StoreBe(ports.subspan(2), out ? flow.remote_port : flow.local_port);
  least_ = header + (is_tcp_ ? tcp::kFlags + 1 : kPortsSize);
}

}  // namespace postern
