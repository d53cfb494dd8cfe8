// SPDX-License-Identifier: Apache-2.0

#include "pipeline/dummy_maker.h"

#include <algorithm>

#include "core/crypto/secret_bytes.h"
#include "core/net/checksum.h"
#include "core/net/protocols.h"
#include "core/net/transport_fields.h"
#include "core/net/udp_encapsulation.h"
#include "policy/bundle.h"

namespace postern {
namespace {

std::size_t HeaderOf(const TunnelEndpoints& ends) {
  return ends.source.family() == IpFamily::kV4 ? ipv4::kHeaderSize
                                               : kIpv6HeaderSize;
}

// As a packet between these ends looks before it is sealed.
void WriteHeader(const TunnelEndpoints& ends, Bytes packet) {
  constexpr std::uint8_t kHopLimit = 64;
  const bool v4 = ends.source.family() == IpFamily::kV4;
  std::ranges::fill(packet.first(HeaderOf(ends)), std::uint8_t{0});
  packet[v4 ? ipv4::kProtocol : ipv6::kNextHeader] =
      Number(IpProtocol::kNoNextHeader);
  packet[v4 ? ipv4::kHopLimit : ipv6::kHopLimit] = kHopLimit;
  const std::size_t at = v4 ? ipv4::kAddresses : ipv6::kAddresses;
  CopyBytes(packet.subspan(at), ends.source.octets());
  CopyBytes(packet.subspan(at + ends.source.octets().size()),
            ends.destination.octets());
  if (v4) {
    packet[0] = 0x45;
    StoreBe(packet.subspan(ipv4::kLength),
            static_cast<std::uint16_t>(packet.size()));
    StoreBe(packet.subspan(ipv4::kFragment), ipv4::kDontFragment);
    MendIpv4Checksum(packet);
  } else {
    packet[0] = 0x60;
    StoreBe(packet.subspan(ipv6::kLength),
            static_cast<std::uint16_t>(packet.size() - kIpv6HeaderSize));
  }
}

}  // namespace

Packet DummyMaker::Make(const DummyOrder& order, PacketPool& pool,
                        Instant now) {
  SecurityAssociation* const association = parts_.sadb.FindSent(
      order.identity.spi, order.identity.destination, order.identity.protocol);
  if (association == nullptr || !association->usable() ||
      association->generation_id() != order.generation_id) {
    return {};
  }
  const std::size_t mtu =
      std::min(parts_.wire_mtu,
               association->path_mtu().At(now).value_or(parts_.wire_mtu));
  const std::size_t header = HeaderOf(association->parameters().inner_ends());
  Bundle alone;
  alone.Add(*association);
  const std::size_t octets = std::max(
      header, std::min(order.octets, alone.LargestWithin(mtu, header)));
  if (alone.ProtectedSize(octets, header) > mtu) {
    parts_.stats.Drop(DropReason::kTooBig);
    return {};
  }
  Packet packet = pool.Take(octets);
  if (!packet) {
    parts_.stats.Drop(DropReason::kPoolEmpty);
    return packet;
  }
  const Passage made = Protect(*association, packet, now);
  if (!made.ok()) {
    parts_.stats.Drop(made.error());
    packet.Release();
    return {};
  }
  parts_.stats.Add(Count::kDummiesSent);
  parts_.stats.Add(Count::kEspSealed);
  parts_.stats.Add(Count::kOutboundProtected);
  parts_.stats.Add(Count::kOutboundOctets, packet.size());
  return packet;
}

Passage DummyMaker::Protect(SecurityAssociation& association, Packet& packet,
                            Instant now) {
  const TunnelEndpoints ends = association.parameters().inner_ends();
  esp::Sealer* const sealer = association.sealer(parts_.worker);
  if (sealer == nullptr ||
      !FillRandom(packet.bytes().subspan(HeaderOf(ends))).ok()) {
    return DropReason::kCryptoFailed;
  }
  WriteHeader(ends, packet.bytes());
  const Opinion<std::uint64_t> number =
      association.NextNumber(packet.size(), now);
  if (!number.ok()) {
    return number.error();
  }
  const Passage sealed = sealer->SealDummy(packet, *number);
  const NatMapping* const nat = association.nat();
  return sealed.ok() && nat != nullptr ? EncapsulateInUdp(packet, nat->ports())
                                       : sealed;
}

}  // namespace postern
