// SPDX-License-Identifier: Apache-2.0

#include "policy/flow_pattern.h"

#include <algorithm>
#include <utility>

#include "core/net/ipv6_extensions.h"

namespace postern {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);
constexpr std::size_t kPorts = 4;

// The longest start of a packet that names its flow: an IPv6 header and ports.
using Start = std::array<std::uint8_t, kIpv6HeaderSize + kPorts>;

void Put(Start& mask, Start& value, std::size_t offset, ConstBytes octets) {
  std::fill_n(mask.begin() + static_cast<std::ptrdiff_t>(offset), octets.size(),
              std::uint8_t{0xff});
  CopyBytes(Bytes(value).subspan(offset), octets);
}

void Put(Start& mask, Start& value, std::size_t offset, std::uint8_t octet) {
  Put(mask, value, offset, ConstBytes(&octet, 1));
}

}  // namespace

FlowPattern::FlowPattern(const FlowKey& flow, Direction direction) {
  is_tcp_ = flow.protocol == Number(IpProtocol::kTcp);
  if (!is_tcp_ && flow.protocol != Number(IpProtocol::kUdp)) {
    return;
  }
  const bool v4 = flow.local.family() == IpFamily::kV4;
  const std::size_t header = v4 ? ipv4::kHeaderSize : kIpv6HeaderSize;
  const std::size_t addresses = v4 ? ipv4::kAddresses : ipv6::kAddresses;
  Start mask{};
  Start value{};
  if (v4) {
    Put(mask, value, 0, 0x45);
    mask[ipv4::kFragment] = 0x3f;  // more fragments, and the offset
    mask[ipv4::kFragment + 1] = 0xff;
    Put(mask, value, ipv4::kProtocol, flow.protocol);
  } else {
    mask[0] = 0xf0;
    value[0] = 0x60;
    Put(mask, value, ipv6::kNextHeader, flow.protocol);
  }
  const bool out = direction == Direction::kOutbound;
  const IpAddress& source = out ? flow.local : flow.remote;
  const IpAddress& destination = out ? flow.remote : flow.local;
  Put(mask, value, addresses, source.octets());
  Put(mask, value, addresses + source.octets().size(), destination.octets());
  std::array<std::uint8_t, kPorts> ports;
  StoreBe(Bytes(ports), out ? flow.local_port : flow.remote_port);
  StoreBe(Bytes(ports).subspan(2), out ? flow.remote_port : flow.local_port);
  Put(mask, value, header, ports);

  const std::size_t end = header + kPorts;
  for (std::size_t at = 0; at < end; at += kWord) {
    const std::size_t offset = std::min(at, end - kWord);
    Word& word = words_[count_++];
    word = {offset, WordAt(mask, offset), WordAt(value, offset)};
  }
  length_offset_ = v4 ? ipv4::kLength : ipv6::kLength;
  length_adds_ = v4 ? 0 : kIpv6HeaderSize;
  least_ = header + (is_tcp_ ? tcp::kFlags + 1 : kPorts);
}

}  // namespace postern
