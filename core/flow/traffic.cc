// SPDX-License-Identifier: Apache-2.0

#include "core/flow/traffic.h"

namespace postern {
namespace {

// RFC 6275 6.1: payload protocol, header length, MH type.
constexpr std::size_t kMobilityTypeOffset = 2;

bool IsExtensionHeader(std::uint8_t protocol) {
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::kHopByHop:
    case IpProtocol::kRouting:
    case IpProtocol::kFragment:
    case IpProtocol::kDestinationOptions:
      return true;
    default:
      return false;
  }
}

}  // namespace

Aspect AspectOfMessage(const IpView& packet, Direction direction) {
  const ConstBytes payload = packet.payload();
  const bool mobility = packet.protocol() == Number(IpProtocol::kMobility);
  const std::size_t least = mobility ? kMobilityTypeOffset + 1 : 2;
  if (payload.size() < least) {
    return {direction, Aspect::Shows::kHidden};
  }
  const unsigned type = mobility ? payload[kMobilityTypeOffset] : payload[0];
  const unsigned code = mobility ? 0 : payload[1];
  return {direction, Aspect::Shows::kMessage,
          static_cast<std::uint16_t>(type * 256 + code)};
}

std::optional<std::uint8_t> Traffic::protocol() const {
  const bool hidden = aspect.shows == Aspect::Shows::kHidden &&
                      key.local.family() == IpFamily::kV6 &&
                      IsExtensionHeader(key.protocol);
  return hidden ? std::nullopt : std::optional(key.protocol);
}

std::optional<std::uint16_t> Traffic::local_port() const {
  const bool shown =
      HasPorts(key.protocol) && aspect.shows != Aspect::Shows::kHidden;
  return shown ? std::optional(key.local_port) : std::nullopt;
}

std::optional<std::uint16_t> Traffic::remote_port() const {
  const bool shown =
      HasPorts(key.protocol) && aspect.shows != Aspect::Shows::kHidden;
  return shown ? std::optional(key.remote_port) : std::nullopt;
}

std::optional<std::uint16_t> Traffic::message() const {
  const bool shown =
      HasMessages(key.protocol) && aspect.shows == Aspect::Shows::kMessage;
  return shown ? std::optional(aspect.message) : std::nullopt;
}

}  // namespace postern
