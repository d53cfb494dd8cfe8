// SPDX-License-Identifier: Apache-2.0
//
// ipsec-vec/packet/1: whole packets, protected and received; and published ESP
// packets that have no IP header.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/net/ip_view.h"
#include "esp/suite.h"
#include "esp/trailer.h"
#include "tests/vectors/known_algorithms.h"
#include "tests/vectors/vector_file.h"
#include "tests/vectors/vector_sa.h"

namespace postern::vectors {
namespace {

constexpr std::size_t kIpv4IdOffset = 4;

bool HasDontFragment(const Octets& packet) {
  return (packet[0] >> 4) == 4 && (packet[6] & 0x40) != 0;
}

// Whether a TunnelHeader can be told to build the outer header of this vector,
// but for the IPv4 identification; fills in the rules that do it.
bool TellTunnel(const Json& wanted, const Octets& plain, TunnelHeader& tunnel) {
  using DontFragment = TunnelHeader::DontFragment;
  const auto inner = IpView::Parse(plain);
  if (!inner.ok()) {
    throw VectorError("`plain` is no IP packet");
  }
  const bool flag = wanted.value("df", false);
  if (flag != HasDontFragment(plain)) {
    tunnel.dont_fragment = flag ? DontFragment::kSet : DontFragment::kClear;
  }
  const auto octet = wanted.at("dscp_ecn").get<std::uint8_t>();
  if (octet != inner->traffic_class()) {
    tunnel.dscp = TunnelHeader::Dscp::kMap0;
  }
  const bool octet_fits =
      octet == inner->traffic_class() || octet == (inner->traffic_class() & 3);
  return octet_fits && wanted.value("flow_label", 0) == 0;
}

bool IsIpv4(const TunnelHeader& tunnel) {
  return tunnel.endpoints.source.family() == IpFamily::kV4;
}

bool HasIdentification(ConstBytes packet, const Json& wanted) {
  return LoadBe<std::uint16_t>(packet.subspan(kIpv4IdOffset)) ==
         wanted.at("ip_id").get<std::uint16_t>();
}

Outcome CompareSealed(const VectorSa& sa, bool tellable, Packet& packet,
                      const Octets& expected) {
  const Bytes bytes = packet.bytes();
  if (!sa.tunnel.has_value()) {
    return Compare("protected", bytes, expected);
  }
  const TunnelHeader& tunnel = *sa.esp().tunnel;
  if (!tellable) {
    const std::size_t outer = SizeOf(tunnel);
    return Compare("protected from ESP on", bytes.subspan(outer),
                   ConstBytes(expected).subspan(outer));
  }
  if (IsIpv4(tunnel)) {
    StoreBe(bytes.subspan(kIpv4IdOffset),
            sa.tunnel->at("ip_id").get<std::uint16_t>());
    MendIpv4Checksum(bytes);
  }
  return Compare("protected", bytes, expected);
}

Outcome RunSeal(VectorSa sa, const Octets& plain, const Octets& expected) {
  esp::Parameters parameters = sa.esp();
  const bool tellable = !sa.tunnel.has_value() ||
                        TellTunnel(*sa.tunnel, plain, *parameters.tunnel);
  sa.parameters = parameters;
  auto sealer = esp::Sealer::Create(parameters);
  if (!sealer.ok()) {
    return Failed(sealer.error().message);
  }
  Packet packet = Pool().Copy(plain);
  Passage sealed = sealer->SealWithIv(packet, sa.seq, sa.iv);
  if (sealed.ok() && sa.udp) {
    sealed = EncapsulateInUdp(packet, *sa.udp);
  }
  const Outcome outcome =
      sealed.ok() ? CompareSealed(sa, tellable, packet, expected)
                  : Failed("sealing: " + std::string(NameOf(sealed.error())));
  packet.Release();
  return outcome;
}

Outcome RunSign(const VectorSa& sa, const Octets& plain,
                const Octets& expected) {
  ah::Parameters parameters = sa.ah();
  bool tellable = !sa.tunnel.has_value() ||
                  TellTunnel(*sa.tunnel, plain, *parameters.tunnel);
  auto signer = ah::Signer::Create(parameters);
  if (!signer.ok()) {
    return Failed(signer.error().message);
  }
  std::vector<Packet> packets;
  std::vector<OutboundJob> jobs(kLanes);
  for (std::size_t i = 0; i < kLanes; ++i) {
    packets.push_back(Pool().Copy(plain));
  }
  for (std::size_t i = 0; i < kLanes; ++i) {
    jobs[i].packet = &packets[i];
    jobs[i].seq = sa.seq;
  }
  if (sa.iv.empty()) {
    signer->Sign(jobs);
  } else {
    for (OutboundJob& job : jobs) {
      job.outcome = signer->SignWithIv(*job.packet, job.seq, sa.iv);
    }
  }
  const Passage passage = jobs.back().outcome;
  Packet packet = std::move(packets.back());
  packets.pop_back();
  bool alike = true;
  for (Packet& other : packets) {
    alike = alike && std::ranges::equal(other.bytes(), packet.bytes());
    other.Release();
  }
  if (passage.ok() && sa.tunnel.has_value() && IsIpv4(*parameters.tunnel)) {
    tellable = tellable && HasIdentification(packet.bytes(), *sa.tunnel);
  }
  const Outcome outcome =
      !alike ? Failed("a burst of one packet is not signed alike")
      : passage.ok()
          ? Compare("protected", packet.bytes(), expected)
          : Failed("signing: " + std::string(NameOf(passage.error())));
  packet.Release();
  return tellable ? outcome
                  : Skipped(
                        "AH tunnel, outbound: the ICV covers an outer "
                        "header that the signer cannot be told");
}

Outcome RunReceive(const VectorSa& sa, const Octets& wire,
                   const Octets& expected) {
  // The window stands just below this packet.
  ReplayHistory history;
  history.highest = sa.seq == 0 ? 0 : sa.seq - 1;
  ReplayWindow window(64, sa.numbers(), ReplayCheck::kOn, history);
  Packet packet = Pool().Copy(wire);
  const Passage received = Receive(sa, window, packet);
  const Outcome outcome =
      received.ok()
          ? Compare("plain", packet.bytes(), expected)
          : Failed("receiving: " + std::string(NameOf(received.error())));
  packet.Release();
  return outcome;
}

// A packet that is received as it was sent, or (with a source route) as the
// last hop made it.
Outcome RunIn(const VectorSa& sa, const Json& test) {
  const bool hops = test.contains("arrived");
  const Outcome sent = hops ? RunReceive(sa, HexOf(test.at("arrived")),
                                         HexOf(test.at("arrived_plain")))
                            : Passed();
  return sent.kind == Outcome::Kind::kPassed
             ? RunReceive(sa, HexOf(test.at("protected")),
                          HexOf(test.at("plain")))
             : sent;
}

bool Has(const Json& directions, const std::string& direction) {
  return std::find(directions.begin(), directions.end(), direction) !=
         directions.end();
}

// pkt_ah_*.json and pkt_esp_*.json, to the octet: OUT-12, AH-16, ESP-06, ESP-21,
// ESP-27, ESP-34, CTR-02, GCM-02, GCM-05, CCM-03, CHA-01 to CHA-03, IIV-01.
// DEF-08b, DEF-21, DEF-24
Outcome RunPacket(const VectorSa& sa, const Json& test) {
  CheckCaseFields(test, {"proto", "mode", "inner_af", "outer_af", "sa", "plain",
                         "protected", "arrived", "arrived_plain",
                         "intermediate", "directions"});
  const Json& directions = test.at("directions");
  for (const std::string direction : directions) {
    if (direction != "out" && direction != "in") {
      throw VectorError("unknown direction: " + direction);
    }
  }
  const bool in = Has(directions, "in");
  if (in) {
    const Outcome received = RunIn(sa, test);
    if (received.kind != Outcome::Kind::kPassed) {
      return received;
    }
  }
  if (!Has(directions, "out")) {
    return in ? Passed() : Failed("no direction");
  }
  const Octets plain = HexOf(test.at("plain"));
  const Octets expected = HexOf(test.at("protected"));
  const Outcome sent =
      sa.is_esp() ? RunSeal(sa, plain, expected) : RunSign(sa, plain, expected);
  return in && sent.kind == Outcome::Kind::kSkipped ? Passed() : sent;
}

Outcome SealBare(const VectorSa& sa, const Json& test) {
  auto suite = esp::SealingSuite::Create(sa.esp());
  if (!suite.ok()) {
    return Failed(suite.error().message);
  }
  const Octets payload = HexOf(test.at("payload"));
  Octets esp(suite->SealedSize(payload.size()));
  esp::SealingSuite::Job job{
      .payload = payload,
      .next_header = test.at("next_header").get<std::uint8_t>(),
      .seq = sa.seq,
      .iv = sa.iv,
      .esp = esp};
  suite->Seal(std::span(&job, 1));
  if (!job.outcome.ok()) {
    return Failed("sealing was refused");
  }
  return Compare("esp_packet", esp, HexOf(test.at("esp_packet")));
}

Outcome OpenBare(const VectorSa& sa, const Json& test) {
  auto suite = esp::OpeningSuite::Create(sa.esp());
  if (!suite.ok()) {
    return Failed(suite.error().message);
  }
  Octets esp = HexOf(test.at("esp_packet"));
  esp::OpeningSuite::Job job{.esp = esp, .seq = sa.seq};
  suite->Open(std::span(&job, 1));
  if (!job.outcome.ok()) {
    return Failed("opening: " + std::string(NameOf(job.outcome.error())));
  }
  return Compare("esp_plaintext", suite->Plaintext(esp),
                 HexOf(test.at("esp_plaintext")));
}

// Only the padding that RFC 4303 prescribes, and only as much as needed, is
// what a Sealer makes.
bool IsSealersPadding(const Json& test) {
  const auto payload = HexOf(test.at("payload")).size();
  return test.value("padding_is_default", true) &&
         esp::TrailerSize(payload, 4) ==
             test.at("pad_len").get<std::size_t>() + esp::kShortestTrailer;
}

// esp_mcgrew_gcm.json: GCM-02, GCM-05, GCM-10. esp_rfc3602.json: ESP-21.
Outcome RunBareEsp(const VectorSa& sa, const Json& test) {
  CheckCaseFields(test, {"proto", "sa", "esp_packet", "esp_plaintext",
                         "payload", "pad_len", "next_header", "intermediate"});
  const Outcome opened = OpenBare(sa, test);
  if (opened.kind != Outcome::Kind::kPassed || !IsSealersPadding(test)) {
    return opened;
  }
  return SealBare(sa, test);
}

}  // namespace

void RunPacketVectors(const Json& file, Tally& tally) {
  CheckCaseFields(file, {"format", "format_note", "count", "cases"});
  for (const Json& test : file.at("cases")) {
    tally.Run(test.at("id"), [&] {
      auto sa = ReadSa(test.at("sa"));
      if (auto* skipped = std::get_if<Outcome>(&sa)) {
        return *skipped;
      }
      return test.contains("esp_packet")
                 ? RunBareEsp(std::get<VectorSa>(sa), test)
                 : RunPacket(std::get<VectorSa>(sa), test);
    });
  }
}

}  // namespace postern::vectors
