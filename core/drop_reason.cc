// SPDX-License-Identifier: Apache-2.0

#include "core/drop_reason.h"

#include <array>

namespace postern {
namespace {

using R = DropReason;

constexpr std::array<DropReasonText, kDropReasonCount> kTexts = {{
    {R::kTruncated, "truncated",
     "the packet ends before its headers say it does", "RFC 791, RFC 8200"},
    {R::kBadIpVersion, "bad_ip_version", "the IP version is neither 4 nor 6",
     "RFC 791, RFC 8200"},
    {R::kBadIpHeader, "bad_ip_header",
     "a length or the checksum in the IP header is wrong", "RFC 791, RFC 8200"},
    {R::kBadIpOption, "bad_ip_option",
     "an IPv4 option has a length that cannot be", "RFC 791"},
    {R::kBadExtensionHeader, "bad_extension_header",
     "an IPv6 extension header or option has a length that cannot be",
     "RFC 8200 4"},
    {R::kTooManyHeaders, "too_many_headers",
     "the IPv6 extension header chain is longer than we follow", "RFC 7112"},
    {R::kBadTransportHeader, "bad_transport_header",
     "the packet ends inside its TCP or UDP header", "RFC 9293, RFC 768"},
    {R::kBadOffload, "bad_offload",
     "what the kernel left to do for a packet of the TUN does not fit the "
     "packet",
     "Postern"},
    {R::kFragment, "fragment",
     "an IP fragment cannot be protected in transport mode or opened",
     "RFC 4303 3.3.4, 3.4.1"},
    {R::kBadFragment, "bad_fragment",
     "an IP fragment cannot be a part of any datagram, or not of the one that "
     "it belongs to",
     "RFC 791, RFC 8200 4.5, RFC 7112"},
    {R::kFragmentOverlap, "fragment_overlap",
     "two fragments of its datagram overlap, which spoils all of it",
     "RFC 5722 4, RFC 8200 4.5"},
    {R::kFragmentDuplicate, "fragment_duplicate",
     "the very same fragment has come before", "RFC 8200 4.5"},
    {R::kReassemblyTooBig, "reassembly_too_big",
     "the datagram that the fragment belongs to is larger than we put together",
     "Postern"},
    {R::kReassemblyTimeout, "reassembly_timeout",
     "other fragments of the datagram did not come in time",
     "RFC 791, RFC 8200 4.5"},
    {R::kReassemblyOverflow, "reassembly_overflow",
     "too many datagrams are being put together, or one has too many fragments",
     "Postern"},
    {R::kUnclearError, "unclear_error",
     "an ICMP error does not show of which flow it tells, and a socket's level "
     "may bind that",
     "RFC 4301 6"},
    {R::kUnbelievedError, "unbelieved_error",
     "an ICMP error in clear says that our AH or ESP was too big, and does not "
     "quote what this host has just sent, or says nothing new",
     "RFC 4301 8.2.1, RFC 8201 4"},
    {R::kTooBig, "too_big", "the protected packet exceeds the wire's MTU",
     "RFC 4301 8"},
    {R::kNoHeadroom, "no_headroom",
     "the packet's buffer has no room for the headers of its bundle",
     "Postern"},
    {R::kDiscardRoute, "discard_route",
     "the route for the remote address says discard", "RFC 4301 4.4.1"},
    {R::kDiscardRule, "discard_rule",
     "a rule that names the packet says discard", "RFC 4301 4.4.1"},
    {R::kDiscardDefault, "discard_default",
     "neither a rule nor a route names the packet, and the host discards such",
     "RFC 4301 5"},
    {R::kNoSa, "no_sa",
     "the level demands protection and no security association came in time",
     "draft 1.2.2"},
    {R::kErrorWithoutSa, "error_without_sa",
     "what the ICMP error tells of demands protection, and no security "
     "association is there; none is asked for on behalf of an error",
     "RFC 4301 6.2"},
    {R::kAcquireRefused, "acquire_refused",
     "key management has refused the security association that the level "
     "demands",
     "RFC 2367 3.1.6"},
    {R::kAcquireLimited, "acquire_limited",
     "too many security associations are being asked for already",
     "draft 1.2.2, 5"},
    {R::kHoldOverflow, "hold_overflow",
     "of the packets that wait for a security association it was the oldest, "
     "and there were too many",
     "Postern"},
    {R::kSequenceExhausted, "sequence_exhausted",
     "the SA's sequence numbers are used up and must not cycle",
     "RFC 4303 3.3.3"},
    {R::kSequenceNotReserved, "sequence_not_reserved",
     "the next sequence number is not yet reserved on disk", "Postern"},
    {R::kLifetimeExpired, "lifetime_expired",
     "the SA's hard lifetime has been reached", "RFC 4301 4.4.2.1"},
    {R::kOwnerUnknown, "owner_unknown",
     "the kernel could not say which socket owns the packet, or it is at "
     "UNIQUE and belongs to no session",
     "Postern"},
    {R::kNotStamped, "not_stamped",
     "the packet came without the mark by which the kernel names its sender",
     "Postern"},
    {R::kTableFull, "table_full",
     "a bounded table had no room for what the packet needs", "Postern"},
    {R::kCryptoFailed, "crypto_failed",
     "the crypto library refused to seal or sign", "Postern"},
    {R::kSpiReserved, "spi_reserved", "the SPI is one that is never sent",
     "RFC 4303 2.1"},
    {R::kNoSaForSpi, "no_sa_for_spi",
     "no security association has this SPI, destination and protocol",
     "RFC 4303 3.4.2"},
    {R::kSaNotUsable, "sa_not_usable",
     "the security association exists but is larval or dead", "RFC 2367 1.5"},
    {R::kReplayZero, "replay_zero", "sequence number zero is never sent",
     "RFC 4303 3.4.3"},
    {R::kReplayTooOld, "replay_too_old",
     "the sequence number is left of the replay window", "RFC 4303 3.4.3"},
    {R::kReplayDuplicate, "replay_duplicate",
     "the sequence number was already accepted", "RFC 4303 3.4.3"},
    {R::kBadLength, "bad_length",
     "the AH or ESP packet's length does not fit its algorithm",
     "RFC 4303 3.4.4, RFC 4302 3.4.4"},
    {R::kBadIcv, "bad_icv", "the integrity check failed",
     "RFC 4303 3.4.4, RFC 4302 3.4.4"},
    {R::kBadPadding, "bad_padding",
     "the ESP padding is not what its algorithm prescribes",
     "RFC 4303 2.4, 3.4.4"},
    {R::kDummyPacket, "dummy_packet",
     "an authentic dummy packet (next header 59) was consumed", "RFC 4303 2.6"},
    {R::kTooManyTransforms, "too_many_transforms",
     "more AH and ESP headers are nested than we remove", "Postern"},
    {R::kModeMismatch, "mode_mismatch",
     "what the SA protected is not what its mode allows", "RFC 4301 5.2"},
    {R::kEcnViolation, "ecn_violation",
     "the tunnel, or another fragment, was marked congested although the "
     "packet "
     "cannot be",
     "RFC 6040 4.2, RFC 3168 5.3"},
    {R::kSelectorMismatch, "selector_mismatch",
     "the decapsulated packet does not match the SA's selectors",
     "RFC 4301 5.2"},
    {R::kPolicyRequiresEspTransport, "policy_requires_esp_transport",
     "the receiver requires ESP transport and the packet came without",
     "draft 1.2.2"},
    {R::kPolicyRequiresAh, "policy_requires_ah",
     "the receiver requires AH and the packet came without", "draft 1.2.2"},
    {R::kPolicyRequiresEspNetwork, "policy_requires_esp_network",
     "the receiver requires ESP network and the packet came without",
     "draft 1.2.2"},
    {R::kPortRefused, "port_refused", "the kernel refused to take the packet",
     "Postern"},
    {R::kPortBusy, "port_busy", "the device's queue was full", "Postern"},
    {R::kPoolEmpty, "pool_empty", "no packet buffer was free", "Postern"},
    {R::kWireCarriesEspOnly, "wire_carries_esp_only",
     "the packet is not ESP behind a plain IP header, and the udp wire carries "
     "nothing else",
     "RFC 3948 2.1"},
    {R::kUnknownPeer, "unknown_peer",
     "the udp wire has no peer with this address", "Postern"},
    {R::kNonEspMarker, "non_esp_marker",
     "the datagram begins with the non-ESP marker: IKE, which nobody here "
     "takes",
     "RFC 3948 2.2"},
    {R::kNatKeepalive, "nat_keepalive",
     "a NAT keepalive, which has done its work by arriving", "RFC 3948 2.3"},
    {R::kForeignFrame, "foreign_frame",
     "the Ethernet frame is neither IP for this host nor a neighbour's message",
     "Postern"},
    {R::kBadNeighbourMessage, "bad_neighbour_message",
     "the ARP or Neighbour Discovery message is not valid",
     "RFC 826, RFC 4861 7.1"},
    {R::kNoGateway, "no_gateway",
     "the destination is not on the host's Ethernet, and no gateway is "
     "configured for its family",
     "Postern"},
    {R::kNoNeighbour, "no_neighbour",
     "nobody on the Ethernet answered for the next address, or too many "
     "packets waited for that",
     "RFC 4861 7.2.2"},
    {R::kNeighbourLimited, "neighbour_limited",
     "the host would have to ask all of its Ethernet for more neighbours at a "
     "time than it may",
     "RFC 6583 7"},
    {R::kForgotten, "forgotten",
     "the program lost a packet without naming a reason: a defect", "Postern"},
    {R::kFaultInjected, "fault_injected",
     "the fault injector dropped the packet as it was told", "Postern"},
}};

constexpr bool InOrder() {
  for (std::size_t i = 0; i < kTexts.size(); ++i) {
    if (static_cast<std::size_t>(kTexts[i].reason) != i) {
      return false;
    }
  }
  return true;
}

static_assert(InOrder(), "kTexts must list the reasons in enum order");

}  // namespace

const DropReasonText& TextOf(DropReason reason) {
  return kTexts[static_cast<std::size_t>(reason)];
}

}  // namespace postern
