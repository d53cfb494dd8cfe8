// SPDX-License-Identifier: Apache-2.0
//
// The part of the inbound pipeline that is about ESP in UDP (RFC 3948).

#include <utility>

#include "core/net/protocols.h"
#include "pipeline/inbound.h"

namespace postern {

// ESP may stand in UDP (RFC 3948): then that is taken away. Whatever else is
// there for the port, IKE above all, stays as it is.
Passage InboundPipeline::LookIntoUdp(Arrival& arrival, Instant now) {
  const IpView& view = *arrival.now;
  if (view.protocol() != Number(IpProtocol::kUdp) ||
      view.fragment() != IpView::Fragment::kWhole) {
    return Pass();
  }
  const Opinion<UdpPorts> ports = PeekUdpPorts(view);
  if (!ports.ok() || !parts_.sadb.ExpectsUdpAt(ports->destination)) {
    return Pass();
  }
  const Passage is_esp =
      CheckEspPayload(view.payload().subspan(kUdpHeaderOctets));
  if (!is_esp.ok()) {
    const bool is_ike = is_esp.error() == DropReason::kNonEspMarker;
    return is_ike ? Pass() : is_esp;
  }
  if (const Passage bare = DecapsulateFromUdp(*arrival.packet, view);
      !bare.ok()) {
    return bare;
  }
  arrival.udp = *ports;
  return LookAt(arrival, now);
}

// What a NAT did on the way to ESP in UDP: it moved the peer, and its addresses
// are not those that a checksum inside transport mode was made for.
void InboundPipeline::LeaveUdp(SecurityAssociation& association,
                               std::uint64_t seq, Arrival& arrival,
                               Instant now) {
  const UdpPorts ports = *std::exchange(arrival.udp, std::nullopt);
  association.NoteOrigin(
      {.address = arrival.now->source(), .port = ports.source}, seq, now);
  if (association.parameters().mode == IpsecMode::kTransport) {
    const Bytes octets = arrival.packet->bytes();
    if (const Opinion<IpView> view = IpView::Parse(octets); view.ok()) {
      MendTransportChecksum(octets, *view);
    }
  }
}

}  // namespace postern
