// SPDX-License-Identifier: Apache-2.0

#include "wire/wire.h"

namespace postern {

std::string_view NameOf(WireKind kind) {
  switch (kind) {
    case WireKind::kTun:
      return "tun";
    case WireKind::kUdp:
      return "udp";
    case WireKind::kTap:
      return "tap";
    case WireKind::kPacket:
      return "packet";
  }
  return "unknown";
}

bool CarriesAnyIpPacket(WireKind kind) {
  return kind != WireKind::kUdp;
}

bool IsEthernet(WireKind kind) {
  return kind == WireKind::kTap || kind == WireKind::kPacket;
}

}  // namespace postern
