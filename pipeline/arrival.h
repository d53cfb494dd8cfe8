// SPDX-License-Identifier: Apache-2.0
//
// An Arrival is one packet of an inbound batch on its way through the pipeline:
// what it is now, what was removed from it, and what its outermost headers said
// when it came, for the audit.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_PIPELINE_ARRIVAL_H_
#define POSTERN_PIPELINE_ARRIVAL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "ah/verifier.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/ipsec.h"
#include "core/net/checksum.h"
#include "core/net/ip_address.h"
#include "core/net/ip_view.h"
#include "core/net/protocols.h"
#include "core/net/transport_fields.h"
#include "core/net/udp_encapsulation.h"
#include "core/packet/packet.h"
#include "esp/opener.h"
#include "pipeline/audit_sink.h"
#include "policy/bundle.h"
#include "sadb/nat_mapping.h"
#include "sadb/sadb.h"

namespace postern {

// What an AH or ESP header says before any proof, and whose packet it is: what
// names an SA, and a number of it.
struct IpsecHeader {
  Spi spi{};
  std::uint32_t sequence = 0;
  IpsecProtocol protocol = IpsecProtocol::kEsp;
  esp::Place place;  // of ESP; not known of AH and in fragments
  IpAddress destination;

  bool NamesSaOf(const IpsecHeader& other) const {
    return spi == other.spi && protocol == other.protocol &&
           destination == other.destination;
  }
};

// Writes the AH or ESP header that stands at the view's payload to `header`;
// nothing when there is another protocol.
// Errors: kTruncated, kBadLength.
inline Passage PeekIpsecHeader(const IpView& view,
                               std::optional<IpsecHeader>& header) {
  header.reset();
  if (view.protocol() == Number(IpProtocol::kEsp)) {
    const Opinion<esp::EspHeader> esp = esp::PeekEspHeader(view);
    if (!esp.ok()) {
      return esp.error();
    }
    const bool whole = view.fragment() == IpView::Fragment::kWhole;
    header.emplace(esp->spi, esp->seq, IpsecProtocol::kEsp,
                   whole ? esp::Place::In(view) : esp::Place(),
                   view.destination());
  } else if (view.protocol() == Number(IpProtocol::kAh)) {
    const Opinion<ah::AhHeader> ah = ah::PeekAhHeader(view);
    if (!ah.ok()) {
      return ah.error();
    }
    header.emplace(ah->spi, ah->seq, IpsecProtocol::kAh, esp::Place(),
                   view.destination());
  }
  return Pass();
}

inline bool IsProtected(const IpView& view) {
  return view.protocol() == Number(IpProtocol::kEsp) ||
         view.protocol() == Number(IpProtocol::kAh);
}

// Removing AH or ESP rewrites the length and with it the checksum of an IPv4
// header, which must not make a damaged one look sound.
inline bool HasRightChecksum(const IpView& view, const Packet& packet) {
  return view.family() == IpFamily::kV6 ||
         HeaderChecksum(packet.bytes().first(view.header_length())) == 0;
}

// Takes away the UDP around ESP that an SA of `sadb` expects; its ports. Nothing
// when there is none, or IKE, and the packet is as it was.
// REQUIRES: `view` is of `packet`.
// Errors: kNatKeepalive, kTruncated, those of DecapsulateFromUdp().
Opinion<std::optional<UdpPorts>> TakeOutOfUdp(const Sadb& sadb,
                                              const IpView& view,
                                              Packet& packet);

struct Arrival {
  Packet* packet = nullptr;           // null: it was refused
  std::optional<IpsecHeader> header;  // AH or ESP that it begins with now
  TransformPath path;                 // what was removed
  std::optional<UdpOrigin> udp;       // of the last UDP around ESP

  // As it came, for the audit.
  struct Came {
    static constexpr std::size_t kLongest = 40;
    std::array<std::uint8_t, kLongest> header;  // IP's, without options
    std::uint8_t protocol;                      // behind the IPv6 extensions
    std::optional<Spi> spi;                     // nothing: no AH, no ESP
    std::uint32_t sequence;

    Came() {}  // NOLINT(modernize-use-equals-default): what is read is written
  };

  std::optional<Came> came;  // nothing: it was no IP packet
};

// Keeps of a packet what its audit record would tell.
// REQUIRES: `header` is what PeekIpsecHeader() found.
inline void Remember(const IpView& view,
                     const std::optional<IpsecHeader>& header,
                     std::optional<Arrival::Came>& came) {
  Arrival::Came& kept = came.emplace();
  const bool is_v4 = view.family() == IpFamily::kV4;
  CopyBytes(kept.header,
            view.octets().first(is_v4 ? ipv4::kHeaderSize : kIpv6HeaderSize));
  kept.protocol = view.protocol();
  kept.spi = header ? std::optional(header->spi) : std::nullopt;
  kept.sequence = header ? header->sequence : 0;
}

// Does what the looks above do at a packet that is nothing but a sound IP header
// of this kind (core/net/plain_ip.h), ESP, and what may stand behind its end.
// Its size; 0, and nothing is done, if it is anything else.
template <typename Plain>
std::size_t SeePlainEsp(ConstBytes octets, Arrival& arrival) {
  constexpr std::size_t kEsp = Plain::kSize;
  constexpr std::size_t kWord = sizeof(std::uint32_t);
  constexpr std::size_t kShortest = kEsp + 2 * kWord;  // to its number
  if (octets.size() < kShortest) {
    return 0;
  }
  const auto start = octets.first<kShortest>();
  const auto ip = start.template first<Plain::kSize>();
  const std::size_t size = Plain::SizeOf(ip);
  if (!Plain::Begins(ip) || ip[Plain::kProtocol] != Number(IpProtocol::kEsp) ||
      size < kShortest || size > octets.size() ||
      !Plain::HasRightChecksum(ip)) {
    return 0;
  }
  const auto spi = LoadBe<std::uint32_t>(start.template subspan<kEsp, kWord>());
  const auto sequence =
      LoadBe<std::uint32_t>(start.template subspan<kEsp + kWord, kWord>());
  arrival.header.emplace(Spi{spi}, sequence, IpsecProtocol::kEsp,
                         esp::Place{Plain::kProtocol, kEsp},
                         Plain::DestinationOf(ip));
  Arrival::Came& came = arrival.came.emplace();
  std::memcpy(came.header.data(), ip.data(), Plain::kSize);
  came.protocol = Number(IpProtocol::kEsp);
  came.spi = Spi{spi};
  came.sequence = sequence;
  return size;
}

// The flow label of an IPv6 packet (RFC 8200 3); nothing of an IPv4 one.
// REQUIRES: IpView::Parse() accepted the packet.
std::optional<std::uint32_t> FlowLabelOf(ConstBytes packet);

// What an audit record tells of it (RFC 4303 4).
AuditEvent Describe(const Arrival& arrival, DropReason reason, Instant now);

// The same of a packet on its way out, in whatever state; `association` is the SA
// that refused it, null if none did.
AuditEvent DescribeDeparture(ConstBytes packet,
                             const SecurityAssociation* association,
                             DropReason reason, Instant now);

// Whether a packet that is refused for this reason on its way out is an auditable
// event: sequence numbers that are used up (RFC 4303 3.3.3), a fragment for AH or
// ESP (3.3.4), and what policy discards (RFC 4301 5.1, 6.2). Others are the host's
// own matter.
bool IsAudited(DropReason outbound);

}  // namespace postern

#endif  // POSTERN_PIPELINE_ARRIVAL_H_
