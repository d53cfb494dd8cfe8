// SPDX-License-Identifier: Apache-2.0
//
// The part of the inbound pipeline that is about ESP in UDP (RFC 3948).

#include <optional>
#include <utility>

#include "core/net/protocols.h"
#include "pipeline/inbound.h"

namespace postern {

Opinion<std::optional<UdpPorts>> TakeOutOfUdp(const Sadb& sadb,
                                              const IpView& view,
                                              Packet& packet) {
  if (view.protocol() != Number(IpProtocol::kUdp) ||
      view.fragment() != IpView::Fragment::kWhole) {
    return std::optional<UdpPorts>();
  }
  const Opinion<UdpPorts> ports = PeekUdpPorts(view);
  if (!ports.ok() || !sadb.ExpectsUdpAt(ports->destination)) {
    return std::optional<UdpPorts>();
  }
  const Passage is_esp =
      CheckEspPayload(view.payload().subspan(kUdpHeaderOctets));
  if (!is_esp.ok()) {
    if (is_esp.error() == DropReason::kNonEspMarker) {
      return std::optional<UdpPorts>();
    }
    return is_esp.error();
  }
  if (const Passage bare = DecapsulateFromUdp(packet, view); !bare.ok()) {
    return bare.error();
  }
  return std::optional(*ports);
}

// ESP may stand in UDP (RFC 3948): then that is taken away. Whatever else is
// there for the port, IKE above all, stays as it is.
Passage InboundPipeline::LookIntoUdp(Arrival& arrival, const IpView& view,
                                     Instant now) {
  const IpAddress source = view.source();
  const auto ports = TakeOutOfUdp(parts_.sadb, view, *arrival.packet);
  if (!ports.ok()) {
    return ports.error();
  }
  if (!*ports) {
    return Pass();
  }
  arrival.udp = UdpOrigin{.address = source, .port = (*ports)->source};
  return LookAt(arrival, now);
}

// What a NAT did on the way to ESP in UDP: it moved the peer, and its addresses
// are not those that a checksum inside transport mode was made for.
void InboundPipeline::LeaveUdp(SecurityAssociation& association,
                               std::uint64_t seq, Arrival& arrival,
                               Instant now) {
  association.NoteOrigin(*std::exchange(arrival.udp, std::nullopt), seq, now);
  if (association.parameters().mode == IpsecMode::kTransport) {
    const Bytes octets = arrival.packet->bytes();
    if (const Opinion<IpView> view = IpView::Parse(octets); view.ok()) {
      MendTransportChecksum(octets, *view);
    }
  }
}

}  // namespace postern
