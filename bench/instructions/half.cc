// SPDX-License-Identifier: Apache-2.0

#include "bench/instructions/half.h"

#include <cstdlib>
#include <utility>

#include "core/crypto/backend.h"

namespace postern::bench {

namespace {

constexpr std::uint16_t kFirstPort = 4711;
constexpr std::size_t kHeaders = 28;

IpAddress Here() {
  return IpAddress::Parse("10.9.1.1").value();
}

IpAddress Peer() {
  return IpAddress::Parse("10.9.2.1").value();
}

std::vector<std::uint8_t> HeadersOf(const FlowKey& flow, std::size_t payload) {
  std::vector<std::uint8_t> octets(kHeaders);
  const Bytes header(octets);
  header[0] = 0x45;
  StoreBe(header.subspan(2), static_cast<std::uint16_t>(payload + 20));
  header[8] = 64;
  header[9] = Number(IpProtocol::kUdp);
  CopyBytes(header.subspan(12), flow.local.octets());
  CopyBytes(header.subspan(16), flow.remote.octets());
  StoreBe(header.subspan(20), flow.local_port);
  StoreBe(header.subspan(22), flow.remote_port);
  StoreBe(header.subspan(24), static_cast<std::uint16_t>(payload));
  MendIpv4Checksum(header);
  return octets;
}

FlowKey Swapped(const FlowKey& flow) {
  return {flow.remote, flow.local, flow.remote_port, flow.local_port,
          flow.protocol};
}

}  // namespace

void UseWhatValgrindKnows() {
  if (!ChooseBackend(CryptoBackend::kLibcrypto).ok()) {
    std::abort();
  }
}

std::vector<std::uint8_t> Filler(std::size_t octets) {
  std::vector<std::uint8_t> filler(octets);
  for (std::size_t i = 0; i < octets; ++i) {
    filler[i] = static_cast<std::uint8_t>(i * 37 + 11);
  }
  return filler;
}

FlowKey FlowOf(std::size_t number) {
  return {Here(), Peer(), static_cast<std::uint16_t>(kFirstPort + number), 9,
          Number(IpProtocol::kUdp)};
}

Packets::Packets(std::size_t payload, std::size_t flows) : size_(payload + 20) {
  for (std::size_t i = 0; i < flows; ++i) {
    headers_.push_back(HeadersOf(FlowOf(i), payload));
  }
}

Packet Packets::Next() {
  Packet packet = pool_.Take(size_);
  CopyBytes(packet.bytes(), headers_[next_]);
  next_ = next_ + 1 == headers_.size() ? 0 : next_ + 1;
  return packet;
}

SaParameters EspOf(Direction direction) {
  const auto& gcm = InfoOf(Encryption::kAesGcm16);
  SaParameters esp;
  esp.direction = direction;
  esp.spi = Spi{0x1001};
  esp.source = Here();
  esp.destination = Peer();
  esp.encryption = Encryption::kAesGcm16;
  esp.encryption_key = SecretBytes(Filler(16 + gcm.salt));
  return esp;
}

Half::Half(Direction direction, std::size_t flows) {
  Route everything;
  everything.prefix = IpPrefix::Parse("0.0.0.0/0").value();
  everything.levels.Set(Category::kEspTransport, Level::kRequire);
  system_.Replace(RouteTable::Create({everything}).value());
  if (!sadb_.Add(EspOf(direction), {}, Instant()).ok()) {
    std::abort();
  }
  for (std::size_t i = 0; i < flows; ++i) {
    const FlowKey flow = FlowOf(i);
    kernel_.Open(direction == Direction::kOutbound ? flow : Swapped(flow),
                 SocketCookie{i + 1});
  }
}

OutboundPipeline Half::Outbound() {
  return OutboundPipeline({sadb_,
                           flows_,
                           acquires_,
                           stats_,
                           WorkerIndex{0},
                           std::size_t{9216},
                           {}});
}

InboundPipeline Half::Inbound() {
  return InboundPipeline(
      {sadb_, system_, flows_, sinks_, stats_, WorkerIndex{0}});
}

}  // namespace postern::bench
