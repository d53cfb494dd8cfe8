// SPDX-License-Identifier: Apache-2.0
//
// A frame as anybody on the Ethernet may send it, to a host that holds a packet
// for each of two neighbours.

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "core/log/log.h"
#include "tests/fuzz/fuzz_target.h"
#include "wire/ethernet_wire.h"

namespace {

using postern::Batch;
using postern::Bytes;
using postern::ConstBytes;
using postern::IpAddress;
using postern::MacAddress;
using postern::PacketPool;
using postern::WorkerStats;
using Octets = std::vector<std::uint8_t>;

const MacAddress kHost({0x02, 0x00, 0x5e, 0x10, 0x00, 0x01});

IpAddress Ip(const char* text) {
  return IpAddress::Parse(text).value();
}

// Hands over one frame, and looks at what is sent.
class OneFrame : public postern::PacketPort {
 public:
  explicit OneFrame(ConstBytes frame) : frame_(frame) {}

  std::size_t Receive(Batch& batch, PacketPool& pool,
                      WorkerStats& /*stats*/) override {
    postern::Packet packet = pool.Copy(std::exchange(frame_, {}));
    if (!packet || packet.size() == 0) {
      packet.Release();
      return 0;
    }
    batch.Push(std::move(packet));
    return 1;
  }

  void Send(Batch& batch, WorkerStats& /*stats*/) override {
    for (const postern::Packet& packet : batch.packets()) {
      postern::Claim("a frame has something in it", packet.size() > 14);
      postern::Claim(
          "it is the host's",
          MacAddress::FromOctets(packet.bytes().subspan(6)) == kHost);
      ++sent_;
    }
    batch.Clear();
  }

  void SendBack(Batch& batch, WorkerStats& stats) override {
    Send(batch, stats);
  }

  std::size_t mtu() const override { return 1500; }

  int descriptor() const override { return -1; }

  std::size_t sent() const { return sent_; }

 private:
  ConstBytes frame_;
  std::size_t sent_ = 0;
};

// The input itself and not a copy, so that a step too far is seen.
void TryParsers(ConstBytes message) {
  const auto arp = postern::ArpMessage::Parse(message);
  if (arp.ok()) {
    const Octets frame = arp->Frame(kHost);
    postern::Claim("ARP is written as it was read",
                   std::equal(frame.begin() + 14, frame.end(), message.begin(),
                              message.begin() + 28));
  }
  if (message.size() >= 40 && message[0] >> 4U == 6 &&
      postern::NeighbourMessage::IsOne(message)) {
    const auto heard = postern::NeighbourMessage::Parse(message);
    if (heard.ok()) {
      const Octets frame = heard->Frame(kHost, kHost);
      const auto again =
          postern::NeighbourMessage::Parse(ConstBytes(frame).subspan(14));
      postern::Claim("what was read can be written",
                     again.ok() && again->target == heard->target &&
                         again->mac == heard->mac);
    }
  }
}

void SendTo(postern::EthernetWire& wire, PacketPool& pool, WorkerStats& stats,
            std::uint8_t version) {
  postern::Packet packet = pool.Take(40);
  const Bytes octets = packet.bytes();
  std::fill(octets.begin(), octets.end(), std::uint8_t{0});
  octets[0] = static_cast<std::uint8_t>(version << 4U);
  const IpAddress to = Ip(version == 4 ? "192.0.2.7" : "2001:db8::7");
  postern::CopyBytes(octets.subspan(version == 4 ? 16 : 24), to.octets());
  Batch batch;
  batch.Push(std::move(packet));
  wire.Send(batch, stats);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets,
                                      std::size_t size) {
  static PacketPool pool({.packets = 16, .payload = 9216});
  postern::SetLogLevel(postern::LogLevel::kOff);
  const ConstBytes frame(octets, size);
  if (size >= 14) {
    TryParsers(frame.subspan(14));
  }
  WorkerStats stats;
  auto port = std::make_unique<OneFrame>(frame);
  const OneFrame& sent = *port;
  postern::EthernetWire wire(
      {.frames = std::move(port),
       .link = std::make_shared<postern::EthernetLink>(
           postern::EthernetLink::Options{
               .mac = kHost,
               .addresses = {{Ip("192.0.2.9"), 24}, {Ip("2001:db8::9"), 64}},
               .gateways = {},
               .neighbours = {}}),
       .clock = [] { return postern::Instant(std::chrono::hours(1)); }});
  SendTo(wire, pool, stats, 4);
  SendTo(wire, pool, stats, 6);
  Batch batch;
  wire.Receive(batch, pool, stats);
  for (const postern::Packet& packet : batch.packets()) {
    const unsigned version = packet.bytes()[0] >> 4U;
    postern::Claim("a packet is IP", version == 4 || version == 6);
    postern::Claim("it came in the frame", packet.size() + 14 <= size);
  }
  batch.Clear();
  // Two questions, two announcements, what it listens to; what was held, an answer, a
  // defence.
  postern::Claim("one frame makes few", sent.sent() <= 7);
  postern::Claim("no packet is lost",
                 pool.free() == pool.shape().packets && pool.forgotten() == 0);
  return 0;
}
