// SPDX-License-Identifier: Apache-2.0
//
// Packet sockets on one end of a cable; at the other end the test is the
// neighbour.

#include "wire/packet_socket.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/as_nobody.h"
#include "tests/support/packet_builder.h"
#include "tests/support/super_packet.h"
#include "tests/unit/wire/veth_fixture.h"

namespace postern {
namespace {

constexpr auto kError = PacketPort::DescriptorState::kError;

using Frames = std::vector<Octets>;

Octets Udp(std::uint8_t number, std::size_t size = 20,
           std::uint16_t port = 4500) {
  return PacketBuilder("192.0.2.7", "192.0.2.9")
      .Udp(port, 4500, Octets(size, number));
}

Octets Inward(const Octets& packet, const MacAddress& to = kHost) {
  return Framed(to, kNeighbour, packet);
}

// As a packet socket wants it: counted from the Ethernet header on.
VnetHeader BeforeEthernet(VnetHeader vnet) {
  vnet.header_length = static_cast<std::uint16_t>(vnet.header_length + 14);
  vnet.checksum_start = static_cast<std::uint16_t>(vnet.checksum_start + 14);
  return vnet;
}

class PacketSocketTest : public VethFixture {
 protected:
  void SetUp() override {
    VethFixture::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    Result<Ports> made = Create(HostOptions());
    ASSERT_TRUE(made) << made.error().message;
    port_ = std::move(made->front());
  }

  // The frames come in order: the last is one that the port takes.
  void ExpectOnlyComes(const Frames& sent, const Frames& expected) {
    for (const Octets& frame : sent) {
      peer_->Send(frame);
    }
    const Octets last = Inward(Udp(0xee));
    peer_->Send(last);
    Frames all = expected;
    all.push_back(last);
    EXPECT_EQ(Receive(*port_, all.size()), all);
    EXPECT_FALSE(Readable(port_->descriptor(), 0));
  }

  // The pieces of a super-packet: what the definition of a segment asks.
  static void ExpectCutFrom(const SuperPacket& super, const Frames& frames) {
    const auto headers = static_cast<std::ptrdiff_t>(PayloadOf(super.octets));
    Octets payload;
    for (const Octets& frame : frames) {
      const Octets packet(frame.begin() + 14, frame.end());
      EXPECT_EQ(Framed(kHost, kNeighbour, packet), frame);
      EXPECT_TRUE(ChecksumsAreRight(packet));
      payload.insert(payload.end(), packet.begin() + headers, packet.end());
    }
    EXPECT_EQ(payload,
              Octets(super.octets.begin() + headers, super.octets.end()));
  }

  bool HasError() const {
    pollfd waiting{port_->descriptor(), POLLIN, 0};
    ::poll(&waiting, 1, 0);
    return (waiting.revents & POLLERR) != 0;
  }

  std::unique_ptr<PacketSocket> port_;
};

TEST_F(PacketSocketTest, HasTheInterfacesMtu) {
  EXPECT_EQ(port_->mtu(), 1500U);
  ASSERT_TRUE(OpenNetlink().SetMtu(kInterface, 1400));
  EXPECT_EQ(Create(HostOptions()).value().front()->mtu(), 1400U);
}

TEST_F(PacketSocketTest, TakesWhatIsForItsAddressAndNothingElse) {
  const Octets v6 = PacketBuilder("2001:db8::7", "2001:db8::9").Udp(1, 2);
  Octets tagged = Inward(Udp(7));  // IEEE 802.1Q
  const Octets tag = {0x81, 0x00, 0x00, 0x05};
  tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  ExpectOnlyComes(
      {Inward(Udp(1)), Inward(Udp(2), kInterfaceMac), Inward(Udp(3), kMoved),
       Inward(Udp(4), Mac("02:00:5e:10:00:02")),
       Inward(Udp(5), Mac("03:00:5e:10:00:01")), tagged, Inward(v6)},
      {Inward(Udp(1)), Inward(v6)});
}

TEST_F(PacketSocketTest, OfGroupsItTakesArpAndNeighbourDiscoveryAlone) {
  const Octets to_all = Inward(Udp(1), MacAddress::Broadcast());
  const Octets to_group = Inward(Udp(2), Mac("01:00:5e:00:00:fb"));
  Octets router = Hex(frames::kSolicitsHost);
  router[54] = 133;  // a Router Solicitation
  Octets echo = Hex(frames::kSolicitsHost);
  echo[54] = 128;
  Octets udp = Hex(frames::kSolicitsHost);
  udp[20] = 17;
  Octets redirect = Hex(frames::kSolicitsHost);
  redirect[54] = 137;
  ExpectOnlyComes({Hex(frames::kArpAsksHost), to_all, to_group,
                   Hex(frames::kSolicitsHost), Hex(frames::kLldp), router, echo,
                   udp, redirect, Hex(frames::kAdvertisementToAll),
                   Hex(frames::kArpAnswer), Hex(frames::kAdvertisement)},
                  {Hex(frames::kArpAsksHost), Hex(frames::kSolicitsHost),
                   Hex(frames::kAdvertisementToAll), Hex(frames::kArpAnswer),
                   Hex(frames::kAdvertisement)});
}

// The device is told of the addresses: one with a filter would drop them.
TEST_F(PacketSocketTest, JoinsItsAddressAndItsGroups) {
  const std::string groups = ProcNet(host(), "dev_mcast");
  for (const char* group : {"3333ff000009", "333300000001"}) {
    EXPECT_NE(groups.find(group), std::string::npos) << groups;
  }
  EXPECT_TRUE(
      Run("bridge fdb show dev wire0 2>/dev/null | grep -qi "
          "02:00:5e:10:00:01 || ! command -v bridge >/dev/null"));
}

TEST_F(PacketSocketTest, SendsFramesAsTheyAre) {
  const Octets v4 = Framed(kNeighbour, kHost,
                           PacketBuilder("192.0.2.9", "192.0.2.7").Udp(1, 2));
  const Octets largest =
      Framed(kNeighbour, kHost,
             PacketBuilder("192.0.2.9", "192.0.2.7").Udp(1, 2, Pattern(1472)));
  Send(*port_,
       {v4, Hex(frames::kArpQuestion), largest, Hex(frames::kSolicitation)});
  EXPECT_EQ(peer_->Receive(), v4);
  EXPECT_EQ(peer_->Receive(), Hex(frames::kArpQuestion));
  EXPECT_EQ(peer_->Receive(), largest);
  EXPECT_EQ(peer_->Receive(), Hex(frames::kSolicitation));
  EXPECT_EQ(stats_.of(Count::kWireDatagramsSent), 4U);
  EXPECT_FALSE(Readable(port_->descriptor(), 0));  // its own do not come
}

TEST_F(PacketSocketTest, SendsBackLikewise) {
  Batch batch;
  batch.Push(pool_.Copy(Hex(frames::kArpHostAnswers)));
  port_->SendBack(batch, stats_);
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(peer_->Receive(), Hex(frames::kArpHostAnswers));
  EXPECT_EQ(pool_.free(), pool_.shape().packets);
}

TEST_F(PacketSocketTest, AFrameThatIsRefusedDoesNotHoldUpTheOthers) {
  const Octets too_big =
      Framed(kNeighbour, kHost,
             PacketBuilder("192.0.2.9", "192.0.2.7").Udp(1, 2, Octets(1600)));
  Send(*port_, {Hex(frames::kArpQuestion), too_big, too_big,
                Hex(frames::kSolicitation)});
  EXPECT_EQ(peer_->Receive(), Hex(frames::kArpQuestion));
  EXPECT_EQ(peer_->Receive(), Hex(frames::kSolicitation));
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 2U);
  EXPECT_EQ(stats_.of(Count::kWireDatagramsSent), 2U);
}

TEST_F(PacketSocketTest, CutsASuperPacketThatTheKernelHandsOver) {
  for (const bool v6 : {false, true}) {
    const SuperPacket super =
        Super(PacketBuilder(v6 ? "2001:db8::7" : "192.0.2.7",
                            v6 ? "2001:db8::9" : "192.0.2.9")
                  .Tcp(4711, 80, kAck, Pattern(10'500)),
              1000);
    const std::uint64_t before = stats_.of(Count::kSuperPacketsRead);
    peer_->Send(Framed(kHost, kNeighbour, super.octets),
                BeforeEthernet(super.vnet));
    const Frames frames = Receive(*port_, 11);
    EXPECT_EQ(frames.size(), 11U);
    ExpectCutFrom(super, frames);
    EXPECT_EQ(stats_.of(Count::kSuperPacketsRead), before + 1);
  }
}

TEST_F(PacketSocketTest, FinishesAChecksumThatTheKernelLeftOut) {
  SuperPacket unfinished = Super(Udp(1), 0);
  unfinished.vnet.gso_type = VnetHeader::kOrdinary;
  peer_->Send(Framed(kHost, kNeighbour, unfinished.octets),
              BeforeEthernet(unfinished.vnet));
  EXPECT_EQ(Receive(*port_, 1), Frames{Inward(Udp(1))});
}

TEST_F(PacketSocketTest, WhatABatchHasNoRoomForComesWithTheNextCall) {
  const SuperPacket super = Super(
      PacketBuilder("192.0.2.7", "192.0.2.9").Tcp(1, 2, kAck, Pattern(7000)),
      100);
  peer_->Send(Framed(kHost, kNeighbour, super.octets),
              BeforeEthernet(super.vnet));
  ASSERT_TRUE(Readable(port_->descriptor()));
  Frames frames;
  for (const std::size_t expected : {Batch::kCapacity, std::size_t{6}}) {
    Batch batch;
    EXPECT_EQ(port_->Receive(batch, pool_, stats_), expected);
    for (const Packet& packet : batch.packets()) {
      frames.emplace_back(packet.bytes().begin(), packet.bytes().end());
    }
    batch.Clear();
    EXPECT_FALSE(Readable(port_->descriptor(), 0));
    // So the time tells it.
    EXPECT_EQ(port_->NextDeadline().has_value(), frames.size() < 70);
  }
  ExpectCutFrom(super, frames);
}

TEST_F(PacketSocketTest, IsNotGoneWhenItsInterfaceGoesDown) {
  Netlink netlink = OpenNetlink();
  EXPECT_FALSE(port_->IsGone(kError));
  ASSERT_TRUE(netlink.SetState(kInterface, LinkState::kDown));
  EXPECT_TRUE(HasError());
  EXPECT_FALSE(port_->IsGone(kError));
  EXPECT_FALSE(HasError());  // it has been taken
  Send(*port_, {Hex(frames::kArpQuestion)});
  EXPECT_EQ(stats_.of(DropReason::kPortRefused), 1U);
  SetUpInterface();
  EXPECT_FALSE(port_->IsGone(kError));
  ExpectOnlyComes({Inward(Udp(1))}, {Inward(Udp(1))});
  Send(*port_, {Hex(frames::kArpQuestion)});
  EXPECT_EQ(peer_->Receive(), Hex(frames::kArpQuestion));
}

TEST_F(PacketSocketTest, IsGoneWithItsInterface) {
  ASSERT_TRUE(Run("ip link delete wire0"));
  EXPECT_TRUE(HasError());
  EXPECT_TRUE(port_->IsGone(kError));
  EXPECT_TRUE(port_->IsGone(kError));
}

// The kernel tells of the end of an interface that it goes down, once, to whoever
// asks first, and before it is gone.
TEST_F(PacketSocketTest, IsGoneWithAnInterfaceThatWasDown) {
  constexpr auto kFine = PacketPort::DescriptorState::kFine;
  Netlink netlink = OpenNetlink();
  EXPECT_FALSE(port_->NextDeadline());
  ASSERT_TRUE(netlink.SetState(kInterface, LinkState::kDown));
  Batch batch;
  EXPECT_EQ(port_->Receive(batch, pool_, stats_), 0U);  // takes the error
  EXPECT_FALSE(HasError());
  EXPECT_FALSE(port_->IsGone(kFine));
  EXPECT_TRUE(port_->NextDeadline());
  ASSERT_TRUE(Run("ip link delete wire0"));
  EXPECT_FALSE(HasError());
  EXPECT_TRUE(port_->IsGone(kFine));
}

TEST_F(PacketSocketTest, TellsThatItsInterfaceHasReturned) {
  constexpr auto kFine = PacketPort::DescriptorState::kFine;
  int returned = 0;
  PacketSocketOptions options = HostOptions();
  options.on_return = [&returned] { ++returned; };
  Netlink netlink = OpenNetlink();
  ASSERT_TRUE(netlink.SetState(kInterface, LinkState::kDown));
  Result<Ports> made = Create(options);
  ASSERT_TRUE(made) << made.error().message;
  port_ = std::move(made->front());
  EXPECT_FALSE(port_->IsGone(kFine));
  EXPECT_EQ(returned, 0);
  SetUpInterface();
  for (const auto end = MonotonicNow() + std::chrono::seconds(10);
       returned == 0 && MonotonicNow() < end;) {
    EXPECT_FALSE(port_->IsGone(kFine));
    std::this_thread::yield();
  }
  EXPECT_FALSE(port_->IsGone(kFine));
  EXPECT_EQ(returned, 1);
  EXPECT_FALSE(port_->NextDeadline());
}

TEST_F(PacketSocketTest, IsMadeOnAnInterfaceThatIsDown) {
  Netlink netlink = OpenNetlink();
  ASSERT_TRUE(netlink.SetState(kInterface, LinkState::kDown));
  Result<Ports> made = Create(HostOptions());
  ASSERT_TRUE(made) << made.error().message;
  port_ = std::move(made->front());
  EXPECT_FALSE(port_->IsGone(kError));
  SetUpInterface();
  ExpectOnlyComes({Inward(Udp(1))}, {Inward(Udp(1))});
}

TEST_F(PacketSocketTest, SaysWhyItCannotBe) {
  const auto refused = [this](const std::string& interface,
                              const MacAddress& mac) {
    PacketSocketOptions options = HostOptions();
    options.interface = interface;
    options.mac = mac;
    const Result<Ports> made = Create(options);
    EXPECT_FALSE(made.ok());
    return made.ok() ? Error{} : made.error();
  };
  const Error unknown = refused("wire1", kHost);
  EXPECT_EQ(unknown.code, ErrorCode::kNotFound);
  EXPECT_NE(unknown.message.find("'wire1'"), std::string::npos);
  const Error loopback = refused("lo", kHost);
  EXPECT_EQ(loopback.code, ErrorCode::kInvalid);
  EXPECT_NE(loopback.message.find("no Ethernet"), std::string::npos);
  const Error same = refused(kInterface, kInterfaceMac);
  EXPECT_EQ(same.code, ErrorCode::kInvalid);
  EXPECT_NE(same.message.find("leave [wire] mac out"), std::string::npos);
  EXPECT_EQ(refused("sixteen-octets-x", kHost).code, ErrorCode::kInvalid);
}

TEST_F(PacketSocketTest, RefusesWithoutPrivilege) {
  const Status entered = host().RunInside([] {
    AsNobody([] {
      const Result<Ports> made = PacketSocket::CreateSeveral(HostOptions(), 1);
      ASSERT_FALSE(made.ok());
      EXPECT_EQ(made.error().code, ErrorCode::kForbidden);
    });
  });
  EXPECT_TRUE(entered);
}

class PacketSocketsTest : public PacketSocketTest {
 protected:
  static constexpr std::size_t kPorts = 3;

  void SetUp() override {
    PacketSocketTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    port_.reset();
    Result<Ports> made = Create(HostOptions(), kPorts);
    ASSERT_TRUE(made) << made.error().message;
    ports_ = std::move(*made);
  }

  // All that comes until `count` have come, by port.
  std::vector<Frames> ReceiveByPort(std::size_t count) {
    std::vector<Frames> by_port(ports_.size());
    for (std::size_t came = 0; came < count;) {
      std::vector<pollfd> waits;
      for (const auto& port : ports_) {
        waits.push_back({port->descriptor(), POLLIN, 0});
      }
      if (::poll(waits.data(), waits.size(), kPatienceMilliseconds) <= 0) {
        ADD_FAILURE() << "of " << count << " frames came " << came;
        break;
      }
      for (std::size_t i = 0; i < ports_.size(); ++i) {
        Batch batch;
        came += ports_[i]->Receive(batch, pool_, stats_);
        for (const Packet& packet : batch.packets()) {
          by_port[i].emplace_back(packet.bytes().begin(), packet.bytes().end());
        }
        batch.Clear();
      }
    }
    return by_port;
  }

  Ports ports_;
};

TEST_F(PacketSocketsTest, EveryFrameComesOnceAndAFlowByOnePort) {
  constexpr std::uint16_t kFlows = 60;
  constexpr std::uint8_t kEach = 4;
  std::multiset<Octets> sent;
  for (std::uint8_t i = 0; i < kEach; ++i) {
    for (std::uint16_t flow = 0; flow < kFlows; ++flow) {
      const Octets frame =
          Inward(Udp(i, 20, static_cast<std::uint16_t>(2000 + flow)));
      sent.insert(frame);
      peer_->Send(frame);
    }
  }
  const std::vector<Frames> by_port =
      ReceiveByPort(std::size_t{kFlows} * kEach);
  std::multiset<Octets> came;
  std::map<std::size_t, std::set<std::size_t>> ports_of;
  std::map<std::size_t, Octets> numbers_of;
  for (std::size_t i = 0; i < by_port.size(); ++i) {
    EXPECT_FALSE(by_port[i].empty()) << i;
    for (const Octets& frame : by_port[i]) {
      came.insert(frame);
      const std::size_t flow = Get16(frame, 14 + 20);
      ports_of[flow].insert(i);
      numbers_of[flow].push_back(frame.back());
    }
  }
  EXPECT_EQ(came, sent);
  EXPECT_EQ(ports_of.size(), kFlows);
  for (const auto& [flow, ports] : ports_of) {
    EXPECT_EQ(ports.size(), 1U) << flow;
    EXPECT_EQ(numbers_of[flow], (Octets{0, 1, 2, 3})) << flow;
  }
}

// Who has only one of them cannot put the datagram together.
TEST_F(PacketSocketsTest, FragmentsOfOneDatagramComeByOnePort) {
  constexpr std::uint8_t kDatagrams = 30;
  for (std::uint8_t i = 0; i < kDatagrams; ++i) {
    const std::string source = "192.0.2." + std::to_string(100 + i);
    Octets head = {0x11, i, 0x22, i, 0, 24, 0, 0};  // UDP's ports first
    head.resize(16, 0x5a);
    peer_->Send(Inward(
        PacketBuilder(source, "192.0.2.9").MoreFragments().Raw(17, head)));
    peer_->Send(Inward(PacketBuilder(source, "192.0.2.9")
                           .FragmentOffset(2)
                           .Raw(17, Octets(8, i))));
  }
  std::map<std::uint8_t, std::multiset<std::size_t>> ports_of;
  const std::vector<Frames> by_port = ReceiveByPort(2U * kDatagrams);
  for (std::size_t i = 0; i < by_port.size(); ++i) {
    EXPECT_FALSE(by_port[i].empty()) << i;
    for (const Octets& frame : by_port[i]) {
      ports_of[frame[14 + 15]].insert(i);
    }
  }
  EXPECT_EQ(ports_of.size(), kDatagrams);
  for (const auto& [source, ports] : ports_of) {
    EXPECT_EQ(ports.size(), 2U);
    EXPECT_EQ(ports.count(*ports.begin()), 2U) << int{source};
  }
}

TEST_F(PacketSocketsTest, EachSaComesByOnePort) {
  constexpr std::uint8_t kSas = 60;
  constexpr std::size_t kEach = 3;
  for (std::size_t i = 0; i < kEach; ++i) {
    for (std::uint8_t sa = 0; sa < kSas; ++sa) {
      peer_->Send(Inward(PacketBuilder("192.0.2.7", "192.0.2.9")
                             .Raw(50, {0, 0, 1, sa, 0, 0, 0, 1, 9, 9, 9, 9})));
    }
  }
  std::map<std::uint8_t, std::multiset<std::size_t>> ports_of;
  const std::vector<Frames> by_port = ReceiveByPort(kSas * kEach);
  for (std::size_t i = 0; i < by_port.size(); ++i) {
    EXPECT_FALSE(by_port[i].empty()) << i;
    for (const Octets& frame : by_port[i]) {
      ports_of[frame[14 + 20 + 3]].insert(i);
    }
  }
  EXPECT_EQ(ports_of.size(), kSas);
  for (const auto& [sa, ports] : ports_of) {
    EXPECT_EQ(ports.size(), kEach);
    EXPECT_EQ(ports.count(*ports.begin()), kEach) << int{sa};
  }
}

TEST_F(PacketSocketsTest, TheFilterHoldsForAll) {
  for (std::uint16_t flow = 0; flow < 20; ++flow) {
    const auto port = static_cast<std::uint16_t>(2000 + flow);
    peer_->Send(Inward(Udp(1, 20, port), kInterfaceMac));
    peer_->Send(Inward(Udp(2, 20, port)));
  }
  for (const Frames& frames : ReceiveByPort(20)) {
    for (const Octets& frame : frames) {
      EXPECT_EQ(frame.back(), 2);
    }
  }
  Send(*ports_[1], {Hex(frames::kArpQuestion)});
  EXPECT_EQ(peer_->Receive(), Hex(frames::kArpQuestion));
  for (const auto& port : ports_) {
    EXPECT_FALSE(Readable(port->descriptor(), 0));
  }
}

TEST_F(PacketSocketsTest, ShareAgainWhenTheInterfaceWasDown) {
  Netlink netlink = OpenNetlink();
  ASSERT_TRUE(netlink.SetState(kInterface, LinkState::kDown));
  for (const auto& port : ports_) {
    EXPECT_FALSE(port->IsGone(kError));
  }
  SetUpInterface();
  for (std::uint16_t flow = 0; flow < 20; ++flow) {
    peer_->Send(Inward(Udp(1, 20, static_cast<std::uint16_t>(2000 + flow))));
  }
  ReceiveByPort(20);
  for (const auto& port : ports_) {
    EXPECT_FALSE(Readable(port->descriptor(), 0));
  }
}

// Two hosts on one interface each have their own frames.
TEST_F(PacketSocketsTest, AnotherHostOnTheInterfaceSharesNothing) {
  PacketSocketOptions options = HostOptions();
  options.mac = kMoved;
  Result<Ports> others = Create(options, 2);
  ASSERT_TRUE(others) << others.error().message;
  for (std::uint16_t flow = 0; flow < 20; ++flow) {
    const auto port = static_cast<std::uint16_t>(2000 + flow);
    peer_->Send(Inward(Udp(1, 20, port)));
    peer_->Send(Inward(Udp(2, 20, port), kMoved));
  }
  for (const Frames& frames : ReceiveByPort(20)) {
    for (const Octets& frame : frames) {
      EXPECT_EQ(frame.back(), 1);
    }
  }
  ports_ = std::move(*others);
  ReceiveByPort(20);
}

}  // namespace
}  // namespace postern
