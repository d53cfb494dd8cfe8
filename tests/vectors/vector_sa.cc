// SPDX-License-Identifier: Apache-2.0

#include "tests/vectors/vector_sa.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/auth_proof_test_peer.h"
#include "tests/vectors/known_algorithms.h"

namespace postern::vectors {
namespace {

IpAddress AddressOf(const Json& text) {
  const auto address = IpAddress::Parse(text.get_ref<const std::string&>());
  if (!address.ok()) {
    throw VectorError(address.error().message);
  }
  return *address;
}

std::optional<TunnelHeader> TunnelOf(const Json& sa) {
  const auto found = sa.find("tunnel");
  if (found == sa.end() || found->is_null()) {
    return std::nullopt;
  }
  CheckFields(*found, {"outer_af", "src", "dst", "dscp_ecn", "ttl", "ip_id",
                       "df", "flow_label", "policy"});
  TunnelHeader tunnel;
  tunnel.endpoints.source = AddressOf(found->at("src"));
  tunnel.endpoints.destination = AddressOf(found->at("dst"));
  tunnel.hop_limit = found->at("ttl");
  return tunnel;
}

// What AH and ESP SAs have in common.
template <typename Parameters>
void FillCommon(const Json& sa, Parameters& parameters) {
  parameters.spi = Spi{static_cast<std::uint32_t>(
      std::stoul(sa.at("spi").get<std::string>(), nullptr, 16))};
  parameters.tunnel = TunnelOf(sa);
  const std::string mode = sa.value("mode", "transport");
  if (mode != "transport" && mode != "tunnel") {
    throw VectorError("unknown mode: " + mode);
  }
  parameters.mode =
      mode == "tunnel" ? IpsecMode::kTunnel : IpsecMode::kTransport;
  parameters.numbers = sa.value("esn", false) ? SequenceNumbers::kExtended
                                              : SequenceNumbers::k32Bit;
  const Json& auth = sa.at("auth");
  CheckFields(auth, {"alg", "key", "salt", "iv"});
  const Octets key = HexOf(auth, "key");
  parameters.integrity =
      IntegrityNamed(auth.at("alg").get<std::string>(), key.size());
  // Keying material: the key, and of GMAC the salt.
  Octets material = key;
  const Octets salt = HexOf(auth, "salt");
  material.insert(material.end(), salt.begin(), salt.end());
  parameters.integrity_key = SecretBytes(material);
}

void FillEsp(const Json& sa, VectorSa& out) {
  const Json& enc = sa.at("enc");
  CheckFields(enc, {"alg", "key", "salt", "iv", "icv_len", "implicit_iv"});
  const std::string name = enc.at("alg");
  esp::Parameters parameters;
  parameters.encryption = EncryptionNamed(
      name, enc.value("icv_len", std::size_t{0}),
      enc.value("implicit_iv", false) ? ImplicitIv::kYes : ImplicitIv::kNo);
  parameters.encryption_key = SecretOf(enc, "key");
  parameters.salt = SecretOf(enc, "salt");
  out.iv = HexOf(enc, "iv");
  FillCommon(sa, parameters);
  out.parameters = std::move(parameters);
}

void FillAh(const Json& sa, VectorSa& out) {
  ah::Parameters parameters;
  out.iv = HexOf(sa.at("auth"), "iv");
  FillCommon(sa, parameters);
  out.parameters = std::move(parameters);
}

// What a burst is made of; the caller releases them.
std::vector<Packet> CopiesOf(const Packet& packet) {
  std::vector<Packet> copies;
  for (std::size_t i = 0; i < kLanes; ++i) {
    copies.push_back(Pool().Copy(packet.bytes()));
  }
  return copies;
}

// The SPI and low sequence number of the packet's IPsec header.
Opinion<esp::EspHeader> Peek(const VectorSa& sa, const IpView& view) {
  const IpProtocol protocol = sa.is_esp() ? IpProtocol::kEsp : IpProtocol::kAh;
  if (view.fragment() != IpView::Fragment::kWhole) {
    return DropReason::kFragment;
  }
  if (view.protocol() != Number(protocol)) {
    return DropReason::kNoSaForSpi;
  }
  if (sa.is_esp()) {
    return esp::PeekEspHeader(view);
  }
  const auto header = ah::PeekAhHeader(view);
  if (!header.ok()) {
    return header.error();
  }
  return esp::EspHeader{header->spi, header->seq};
}

// What the pipeline does with a datagram at the SA's port.
Passage LeaveUdp(const VectorSa& sa, Packet& packet) {
  const auto view = IpView::Parse(packet.bytes());
  if (!view.ok() || view->protocol() != Number(IpProtocol::kUdp)) {
    return view.ok() ? Pass() : view.error();
  }
  const auto ports = PeekUdpPorts(*view);
  if (!ports.ok() || ports->destination != sa.udp->destination) {
    return ports.ok() ? DropReason::kNoSaForSpi : ports.error();
  }
  const Passage is_esp =
      CheckEspPayload(view->payload().subspan(kUdpHeaderOctets));
  return is_esp.ok() ? DecapsulateFromUdp(packet, *view) : is_esp;
}

}  // namespace

std::variant<VectorSa, Outcome> ReadSa(const Json& sa) {
  CheckFields(sa, {"proto", "mode", "spi", "seq", "esn", "seq_hi", "enc",
                   "auth", "tunnel", "udp_encap"});
  const std::string protocol = sa.at("proto");
  if (protocol != "esp" && protocol != "ah") {
    throw VectorError("unknown protocol: " + protocol);
  }
  VectorSa out;
  out.seq = sa.at("seq");
  if (sa.value("esn", false)) {
    out.seq |= sa.at("seq_hi").get<std::uint64_t>() << 32;
  }
  if (protocol == "esp") {
    FillEsp(sa, out);
  } else {
    FillAh(sa, out);
  }
  if (sa.contains("udp_encap")) {
    const Json& udp = sa.at("udp_encap");
    CheckFields(udp, {"sport", "dport", "checksum"});
    if (udp.value("checksum", 0) != 0) {
      throw VectorError("ESP in UDP with a checksum");
    }
    out.udp =
        UdpPorts{.source = udp.at("sport"), .destination = udp.at("dport")};
  }
  if (sa.contains("tunnel")) {
    out.tunnel = sa.at("tunnel");
  }
  return out;
}

PacketPool& Pool() {
  static PacketPool pool({.packets = 8 + 2 * kLanes,
                          .payload = 66000,
                          .headroom = kDefaultHeadroom,
                          .tailroom = kDefaultTailroom});
  return pool;
}

Receiver::Receiver(const VectorSa& sa) : sa_(sa) {
  if (sa.is_esp()) {
    auto opener = esp::Opener::Create(sa.esp());
    if (!opener.ok()) {
      throw VectorError(opener.error().message);
    }
    opener_ = *std::move(opener);
    return;
  }
  auto verifier = ah::Verifier::Create(sa.ah());
  if (!verifier.ok()) {
    throw VectorError(verifier.error().message);
  }
  verifier_ = *std::move(verifier);
}

Passage Receiver::OpenEsp(ReplayWindow& window, Packet& packet,
                          ReplayTicket ticket) {
  // Published packets without integrity: below what an SADB would accept.
  const bool unverified =
      sa_.esp().integrity == Integrity::kNone &&
      InfoOf(sa_.esp().encryption).kind == EncryptionInfo::Kind::kCipher;
  std::vector<Packet> copies = CopiesOf(packet);
  std::vector<esp::OpenJob> jobs(copies.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].packet = &copies[i];
    jobs[i].seq = ticket.seq();
  }
  opener_->Open(jobs);
  auto opened = unverified
                    ? opener_->OpenCovered(packet, AuthProofTestPeer::Make())
                    : opener_->Open(packet, ticket.seq());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (!unverified &&
        (jobs[i].outcome.ok() != opened.ok() ||
         !std::ranges::equal(copies[i].bytes(), packet.bytes()))) {
      throw VectorError("a burst is opened otherwise than its packets");
    }
    copies[i].Release();
  }
  if (!opened.ok()) {
    return opened.error();
  }
  if (const Passage committed = window.Commit(std::move(ticket), opened->proof);
      !committed.ok()) {
    return committed;
  }
  return opener_->Finish(packet, *opened);
}

Passage Receiver::VerifyAh(ReplayWindow& window, Packet& packet,
                           ReplayTicket ticket) {
  std::vector<Packet> copies = CopiesOf(packet);
  std::vector<ah::VerifyJob> jobs(copies.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].packet = &copies[i];
    jobs[i].seq = ticket.seq();
  }
  verifier_->Verify(jobs);
  auto verified = verifier_->Verify(packet, ticket.seq());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (jobs[i].outcome.ok() != verified.ok()) {
      throw VectorError("a burst is judged otherwise than its packets");
    }
    copies[i].Release();
  }
  if (!verified.ok()) {
    return verified.error();
  }
  if (const Passage committed =
          window.Commit(std::move(ticket), verified->proof);
      !committed.ok()) {
    return committed;
  }
  return verifier_->Finish(packet, *verified);
}

Passage Receiver::Receive(ReplayWindow& window, Packet& packet) {
  if (const Passage bare = sa_.udp ? LeaveUdp(sa_, packet) : Pass();
      !bare.ok()) {
    return bare;
  }
  const auto view = IpView::Parse(packet.bytes());
  if (!view.ok()) {
    return view.error();
  }
  const auto header = Peek(sa_, *view);
  if (!header.ok()) {
    return header.error();
  }
  if (header->spi != sa_.spi()) {
    return DropReason::kNoSaForSpi;
  }
  auto ticket = window.Check(header->seq);
  if (!ticket.ok()) {
    return ticket.error();
  }
  return sa_.is_esp() ? OpenEsp(window, packet, *std::move(ticket))
                      : VerifyAh(window, packet, *std::move(ticket));
}

}  // namespace postern::vectors
