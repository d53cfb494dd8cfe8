// SPDX-License-Identifier: Apache-2.0

#include "wire/udp_wire.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/net/ip_view.h"
#include "tests/unit/wire/port_fixture.h"
#include "tests/unit/wire/udp_fixture.h"
#include "wire/fault_injector.h"
#include "wire/pcap_recorder.h"

namespace postern {
namespace {

using testing::HasSubstr;

constexpr std::uint8_t kEspNumber = 50;

const char* HereIn(IpFamily family) {
  return family == IpFamily::kV4 ? "10.9.1.1" : "fd00:9:1::1";
}

const char* ThereIn(IpFamily family) {
  return family == IpFamily::kV4 ? "10.9.2.1" : "fd00:9:2::1";
}

// An ESP packet of the pipeline, from here to the peer.
Octets Outbound(IpFamily family, const Octets& esp, std::uint8_t tos = 0) {
  return PacketBuilder(HereIn(family), ThereIn(family))
      .TrafficClass(tos)
      .Raw(kEspNumber, esp);
}

Octets Inbound(IpFamily family, const Octets& esp, std::uint8_t tos = 0) {
  return WithoutIdentification(PacketBuilder(ThereIn(family), HereIn(family))
                                   .TrafficClass(tos)
                                   .DontFragment()
                                   .Raw(kEspNumber, esp));
}

UdpWireOptions OptionsFor(IpFamily family, const UdpEndpoint& at) {
  return {.listen = {Loopback(family)},
          .peers = {{.host = Address(ThereIn(family)), .at = at}},
          .own_addresses = {Address("10.9.1.1"), Address("fd00:9:1::1")},
          .path_mtu_octets = std::nullopt,
          .buffer_octets = 1U << 20U};
}

class UdpWireTest : public PortFixture,
                    public testing::WithParamInterface<IpFamily> {
 protected:
  UdpWireTest()
      : peer_(family()),
        wire_(UdpWire::Create(OptionsFor(family(), peer_.at())).value()),
        here_(wire_->listening().front()) {}

  IpFamily family() const { return GetParam(); }

  // What arrives, once something does.
  std::vector<Octets> Arrivals() {
    EXPECT_TRUE(Readable(wire_->descriptor()));
    return ReceiveAll(*wire_);
  }

  PlainPeer peer_;
  std::unique_ptr<UdpWire> wire_;
  UdpEndpoint here_;
};

TEST_P(UdpWireTest, SaysWhatItIs) {
  EXPECT_EQ(wire_->kind(), WireKind::kUdp);
  EXPECT_EQ(wire_->overhead_octets(), 8U);
  // The loopback's MTU is more than a pool's packet.
  EXPECT_EQ(wire_->mtu(), UdpWire::kMostMtu);
  UdpWireOptions options = OptionsFor(family(), peer_.at());
  options.path_mtu_octets = 1500;
  EXPECT_EQ(UdpWire::Create(options).value()->mtu(), 1492U);
}

TEST_P(UdpWireTest, SendsThePayloadWithTheTrafficClassAndNothingElse) {
  const Octets esp = Esp(0x1001, 100);
  Send(*wire_, {Outbound(family(), esp, 0x02)});
  const auto datagram = peer_.Receive();
  EXPECT_EQ(datagram.octets, esp);
  EXPECT_EQ(datagram.from, here_);
  EXPECT_EQ(datagram.traffic_class, 0x02);
}

TEST_P(UdpWireTest, RebuildsWhatThePeerSent) {
  const Octets esp = Esp(0x1001, 100);
  if (family() == IpFamily::kV4) {
    peer_.Set(IPPROTO_IP, IP_TOS, 0x03);
  } else {
    peer_.Set(IPPROTO_IPV6, IPV6_TCLASS, 0x03);
  }
  peer_.Send(here_, esp);
  EXPECT_EQ(Arrivals(), (std::vector<Octets>{Inbound(family(), esp, 0x03)}));
}

// DEF-36: coalesce and split is the identity, also across batches.
TEST_P(UdpWireTest, SplitsTrainsIntoWhatWasSentInOrder) {
  const UdpSocket sender_socket =
      UdpSocket::Open(Loopback(family()), 1U << 20U).value();
  const auto wire =
      UdpWire::Create(OptionsFor(family(), sender_socket.at())).value();
  const SocketAddress to(wire->listening().front());
  std::vector<Octets> sent;
  std::vector<Octets> expected;
  for (std::uint32_t i = 0; i < 200; ++i) {
    const std::size_t size = i % 50 == 49 ? 333 : 1000;
    sent.push_back(Esp(i + 1, size, static_cast<std::uint8_t>(i)));
    expected.push_back(Inbound(family(), sent.back()));
  }
  UdpSender sender(sender_socket);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    sender.Add({.octets = sent[i], .to = &to});
    if (i % 50 == 49) {
      sender.Flush(stats_);
    }
  }
  ASSERT_TRUE(Readable(wire->descriptor()));
  EXPECT_EQ(ReceiveAll(*wire), expected);
  EXPECT_EQ(stats_.of(Count::kWireTrainsReceived), 4U);
  EXPECT_EQ(stats_.of(Count::kWireDatagramsReceived), 200U);
  EXPECT_LE(stats_.of(Count::kWireReceiveCalls), 4U);
}

TEST_P(UdpWireTest, DropsDatagramsOfStrangersByName) {
  const PlainPeer stranger(family());
  stranger.Send(here_, Esp(0x1001, 100));
  EXPECT_TRUE(Arrivals().empty());
  EXPECT_EQ(stats_.of(DropReason::kUnknownPeer), 1U);
}

// DEF-15, DEF-20.
TEST_P(UdpWireTest, DropsRuntsKeepalivesAndIkeByName) {
  peer_.Send(here_, {});
  peer_.Send(here_, {0xff});
  peer_.Send(here_, {0xff, 0xff});
  peer_.Send(here_, Octets(4));
  peer_.Send(here_, Octets(200));
  peer_.Send(here_, {1, 2, 3, 4, 5, 6, 7});
  const Octets esp = Esp(0x1001, 8);
  peer_.Send(here_, esp);
  EXPECT_EQ(Arrivals(), (std::vector<Octets>{Inbound(family(), esp)}));
  EXPECT_EQ(stats_.of(DropReason::kTruncated), 3U);
  EXPECT_EQ(stats_.of(DropReason::kNatKeepalive), 1U);
  EXPECT_EQ(stats_.of(DropReason::kNonEspMarker), 2U);
}

TEST_P(UdpWireTest, LetsOutNothingButEspToAPeer) {
  const Octets esp = Esp(0x1001, 100);
  const PacketBuilder to_peer(HereIn(family()), ThereIn(family()));
  const PacketBuilder to_stranger(
      HereIn(family()), family() == IpFamily::kV4 ? "10.9.2.9" : "fd00:9:2::9");
  Send(*wire_,
       {to_peer.Tcp(1, 2, kSyn), to_peer.Raw(51, esp),
        to_stranger.Raw(kEspNumber, esp), to_peer.Raw(kEspNumber, esp)});
  EXPECT_EQ(peer_.Receive().octets, esp);
  EXPECT_TRUE(peer_.HasNothing());
  EXPECT_EQ(stats_.of(DropReason::kWireCarriesEspOnly), 2U);
  EXPECT_EQ(stats_.of(DropReason::kUnknownPeer), 1U);
}

TEST_P(UdpWireTest, DropsWhatIsLargerThanItsMtu) {
  UdpWireOptions options = OptionsFor(family(), peer_.at());
  options.path_mtu_octets = 1280;
  const auto wire = UdpWire::Create(options).value();
  const std::size_t header = family() == IpFamily::kV4 ? 20 : 40;
  const Octets largest = Esp(1, 1272 - header);
  Send(*wire, {Outbound(family(), Esp(2, 1273 - header)),
               Outbound(family(), largest)});
  EXPECT_EQ(peer_.Receive().octets, largest);
  EXPECT_TRUE(peer_.HasNothing());
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 1U);
}

TEST_P(UdpWireTest, WhatNoPacketOfThePoolHoldsIsTooBig) {
  peer_.Send(here_, Esp(1, pool_.shape().payload));
  EXPECT_TRUE(Arrivals().empty());
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 1U);
}

// Nobody asks again after an empty answer, so nothing may lie there.
TEST_P(UdpWireTest, WithoutAFreePacketWhatCameIsDroppedByName) {
  peer_.Send(here_, Esp(1, 100));
  peer_.Send(here_, Esp(2, 100));
  ASSERT_TRUE(Readable(wire_->descriptor()));
  PacketPool tiny({.packets = 1, .payload = 2000});
  Batch first;
  EXPECT_EQ(wire_->Receive(first, tiny, stats_), 1U);
  Batch second;
  EXPECT_EQ(wire_->Receive(second, tiny, stats_), 0U);
  EXPECT_EQ(stats_.of(DropReason::kPoolEmpty), 1U);
  first.Clear();
  peer_.Send(here_, Esp(3, 100));
  ASSERT_TRUE(Readable(wire_->descriptor()));
  EXPECT_EQ(wire_->Receive(second, tiny, stats_), 1U);
  second.Clear();
}

// The port is closed: each datagram is answered by an ICMP error.
TEST_P(UdpWireTest, IcmpErrorsDoNotReachIt) {
  const std::uint16_t port = peer_.at().port;
  peer_ = PlainPeer(family());
  const Octets esp = Esp(1, 100);
  for (int i = 0; i < 50; ++i) {
    Send(*wire_, {Outbound(family(), esp), Outbound(family(), esp)});
  }
  EXPECT_EQ(stats_.of(Count::kWireDatagramsSent), 100U);
  EXPECT_EQ(stats_.of(DropReason::kPortRefused), 0U);
  EXPECT_FALSE(Readable(wire_->descriptor(), 0));
  const PlainPeer back(family(), port);
  Send(*wire_, {Outbound(family(), esp)});
  EXPECT_EQ(back.Receive().octets, esp);
  back.Send(here_, esp);
  EXPECT_EQ(Arrivals().size(), 1U);
}

TEST_P(UdpWireTest, AFloodOfStrangersEndsEachCall) {
  const PlainPeer stranger(family());
  for (int i = 0; i < 400; ++i) {
    stranger.Send(here_, Esp(1, 10));
  }
  ASSERT_TRUE(Readable(wire_->descriptor()));
  Batch batch;
  EXPECT_EQ(wire_->Receive(batch, pool_, stats_), 0U);
  // Not all at once; and what is left keeps the descriptor readable.
  EXPECT_LT(stats_.of(DropReason::kUnknownPeer), 400U);
  EXPECT_TRUE(Readable(wire_->descriptor(), 0));
  peer_.Send(here_, Esp(1, 10));
  while (batch.empty() && Readable(wire_->descriptor())) {
    wire_->Receive(batch, pool_, stats_);
  }
  EXPECT_EQ(batch.size(), 1U);
  EXPECT_EQ(stats_.of(DropReason::kUnknownPeer), 400U);
  batch.Clear();
}

TEST_P(UdpWireTest, RecorderAndFaultsWrapItAsAnyOther) {
  const std::string file = testing::TempDir() + "udp_wire_" +
                           std::string(HereIn(family())).substr(0, 4) + ".pcap";
  auto recorder = PcapRecorder::Create(file, std::move(wire_));
  ASSERT_TRUE(recorder.ok());
  FaultInjector::Plan plan;
  plan.sending.duplicate_per_mille = 1000;
  FaultInjector wrapped(std::move(*recorder), plan);
  EXPECT_EQ(wrapped.mtu(), UdpWire::kMostMtu);
  const Octets esp = Esp(0x1001, 100);
  Send(wrapped, {Outbound(family(), esp)});
  EXPECT_EQ(peer_.Receive().octets, esp);
  EXPECT_EQ(peer_.Receive().octets, esp);
  peer_.Send(here_, esp);
  ASSERT_TRUE(Readable(wrapped.descriptor()));
  EXPECT_EQ(ReceiveAll(wrapped), (std::vector<Octets>{Inbound(family(), esp)}));
  ::unlink(file.c_str());
}

// As the two workers do; for the thread sanitizer.
TEST_P(UdpWireTest, SendsAndReceivesInTwoThreadsAtTheSameTime) {
  constexpr std::size_t kRounds = 200;
  const Octets esp = Esp(0x1001, 100);
  std::thread other([&] {
    PacketPool pool({.packets = 8, .payload = 2000});
    WorkerStats stats;
    for (std::size_t i = 0; i < kRounds; ++i) {
      Batch batch;
      batch.Push(pool.Copy(Outbound(family(), esp)));
      batch.Push(pool.Copy(Outbound(family(), esp)));
      wire_->Send(batch, stats);
    }
    EXPECT_EQ(stats.of(Count::kWireDatagramsSent), 2 * kRounds);
  });
  std::size_t came = 0;
  for (std::size_t i = 0; i < kRounds; ++i) {
    peer_.Send(here_, esp);
    came += Arrivals().size();
  }
  other.join();
  EXPECT_EQ(came, kRounds);
}

// One wire in several ports: a peer's datagrams come by one of them only, so that
// they stay in order, and peers spread.
TEST_P(UdpWireTest, SeveralPortsShareTheEndpointAndEachPeerStaysWithOne) {
  constexpr std::size_t kPeers = 24;  // all with one port: once in 2^23 runs
  constexpr std::uint32_t kEach = 5;
  std::vector<PlainPeer> peers;
  UdpWireOptions options = OptionsFor(family(), peer_.at());
  for (std::size_t i = 0; i < kPeers; ++i) {
    peers.emplace_back(family());
    const std::string host =
        family() == IpFamily::kV4 ? "10.9.3." : "fd00:9:3::";
    options.peers.push_back({.host = Address(host + std::to_string(i + 1)),
                             .at = peers.back().at()});
  }
  const auto ports = UdpWire::CreateSeveral(options, 2).value();
  const UdpEndpoint at = ports[0]->listening().front();
  ASSERT_EQ(ports[1]->listening().front(), at);
  for (std::uint32_t i = 0; i < kEach; ++i) {
    for (const PlainPeer& peer : peers) {
      peer.Send(at, Esp(0x1000 + i, 40));
    }
  }
  std::map<Octets, std::set<std::size_t>> ports_of;  // by source address
  std::map<Octets, std::vector<std::uint32_t>> spis_of;
  std::size_t received = 0;
  for (std::size_t port = 0; port < ports.size(); ++port) {
    for (const Octets& packet : ReceiveAll(*ports[port])) {
      const bool v4 = family() == IpFamily::kV4;
      const auto source = packet.begin() + (v4 ? 12 : 8);
      const Octets from(source, source + (v4 ? 4 : 16));
      ports_of[from].insert(port);
      spis_of[from].push_back(
          LoadBe<std::uint32_t>(ConstBytes(packet).subspan(v4 ? 20 : 40)));
      ++received;
    }
  }
  EXPECT_EQ(received, kPeers * kEach);
  std::set<std::size_t> used;
  for (const auto& [from, its] : ports_of) {
    EXPECT_EQ(its.size(), 1U);
    used.insert(*its.begin());
    EXPECT_EQ(spis_of[from], (std::vector<std::uint32_t>{0x1000, 0x1001, 0x1002,
                                                         0x1003, 0x1004}));
  }
  EXPECT_EQ(used.size(), 2U);
}

TEST_P(UdpWireTest, EachOfSeveralPortsSendsFromTheEndpoint) {
  const auto ports =
      UdpWire::CreateSeveral(OptionsFor(family(), peer_.at()), 3).value();
  for (const auto& port : ports) {
    Send(*port, {Outbound(family(), Esp(0x1001, 100))});
    EXPECT_EQ(peer_.Receive().from, ports[0]->listening().front());
  }
}

// A second daemon must not take half of the first one's datagrams.
TEST_P(UdpWireTest, APortThatSomebodySharesAlreadyIsNotJoined) {
  const auto ports =
      UdpWire::CreateSeveral(OptionsFor(family(), peer_.at()), 2).value();
  UdpWireOptions options = OptionsFor(family(), peer_.at());
  options.listen = {ports[0]->listening().front()};
  const auto second = UdpWire::CreateSeveral(options, 2);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kExists);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, UdpWireTest,
                         testing::Values(IpFamily::kV4, IpFamily::kV6),
                         [](const auto& test) {
                           return test.param == IpFamily::kV4 ? "V4" : "V6";
                         });

class UdpWireOfBothTest : public PortFixture {};

TEST_F(UdpWireOfBothTest, CarriesBothFamiliesOverTwoSockets) {
  const PlainPeer v4(IpFamily::kV4);
  const PlainPeer v6(IpFamily::kV6);
  const auto wire =
      UdpWire::Create(
          {.listen = {Loopback(IpFamily::kV4), Loopback(IpFamily::kV6)},
           .peers = {{.host = Address("10.9.2.1"), .at = v4.at()},
                     {.host = Address("fd00:9:2::1"), .at = v6.at()}},
           .own_addresses = {Address("10.9.1.1"), Address("fd00:9:1::1")},
           .path_mtu_octets = std::nullopt})
          .value();
  std::vector<Octets> packets;
  for (std::uint32_t i = 1; i <= 10; ++i) {
    packets.push_back(Outbound(IpFamily::kV4, Esp(i, 100)));
    packets.push_back(Outbound(IpFamily::kV6, Esp(i, 100)));
  }
  Send(*wire, packets);
  for (std::uint32_t i = 1; i <= 10; ++i) {
    EXPECT_EQ(v4.Receive().octets, Esp(i, 100));
    EXPECT_EQ(v6.Receive().octets, Esp(i, 100));
  }
  v6.Send(wire->listening().back(), Esp(1, 50));
  ASSERT_TRUE(Readable(wire->descriptor()));
  EXPECT_EQ(ReceiveAll(*wire),
            (std::vector<Octets>{Inbound(IpFamily::kV6, Esp(1, 50))}));
  v4.Send(wire->listening().front(), Esp(2, 50));
  ASSERT_TRUE(Readable(wire->descriptor()));
  EXPECT_EQ(ReceiveAll(*wire),
            (std::vector<Octets>{Inbound(IpFamily::kV4, Esp(2, 50))}));
}

TEST_F(UdpWireOfBothTest, AnIpv6HostMayBeReachedOverIpv4) {
  const PlainPeer peer(IpFamily::kV4);
  UdpWireOptions options = OptionsFor(IpFamily::kV6, peer.at());
  options.listen = {Loopback(IpFamily::kV4)};
  options.path_mtu_octets = 1500;
  const auto wire = UdpWire::Create(options).value();
  EXPECT_EQ(wire->overhead_octets(), 0U);
  EXPECT_EQ(wire->mtu(), 1500U);
  Send(*wire, {Outbound(IpFamily::kV6, Esp(1, 100), 0x02)});
  const auto datagram = peer.Receive();
  EXPECT_EQ(datagram.octets, Esp(1, 100));
  EXPECT_EQ(datagram.traffic_class, 0x02);
  peer.Send(wire->listening().front(), Esp(2, 100));
  ASSERT_TRUE(Readable(wire->descriptor()));
  EXPECT_EQ(ReceiveAll(*wire),
            (std::vector<Octets>{Inbound(IpFamily::kV6, Esp(2, 100))}));
}

TEST_F(UdpWireOfBothTest, RefusesWhatCannotBeOpenedWithASentence) {
  const PlainPeer peer(IpFamily::kV4);
  const auto refusal = [](const UdpWireOptions& options) {
    const auto wire = UdpWire::Create(options);
    EXPECT_FALSE(wire.ok());
    return wire.ok() ? "" : wire.error().message;
  };
  UdpWireOptions options = OptionsFor(IpFamily::kV4, peer.at());
  options.listen = {peer.at()};
  EXPECT_THAT(refusal(options), HasSubstr("Another socket listens"));
  options.listen = {UdpEndpoint::Parse("192.0.2.77:4500").value()};
  EXPECT_THAT(refusal(options), HasSubstr("No interface has the address"));
  options.listen = {Loopback(IpFamily::kV4), Loopback(IpFamily::kV4)};
  EXPECT_THAT(refusal(options), HasSubstr("is a second one"));
  options.listen = {Loopback(IpFamily::kV6)};
  EXPECT_THAT(refusal(options), HasSubstr("nothing listens in the family"));
}

}  // namespace
}  // namespace postern
