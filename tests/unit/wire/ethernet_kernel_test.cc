// SPDX-License-Identifier: Apache-2.0
//
// The kernel as the neighbour: a host of ours and Linux find each other on one
// Ethernet, by a cable with a packet socket and by a TAP.
//
//     the host       02:00:5e:10:00:01   192.0.2.9   2001:db8::9
//     Linux                              192.0.2.7   2001:db8::7

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/clock.h"
#include "tests/support/packet_builder.h"
#include "tests/unit/wire/veth_fixture.h"
#include "tun/tun_device.h"
#include "wire/ethernet_wire.h"

namespace postern {
namespace {

constexpr std::uint16_t kPort = 4500;

enum class By : std::uint8_t { kPacket, kTap };

class EthernetKernelTest : public VethFixture,
                           public testing::WithParamInterface<By> {
 protected:
  void SetUp() override {
    VethFixture::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    const bool by_tap = GetParam() == By::kTap;
    linux_ = by_tap ? "tap0" : "peer0";
    std::unique_ptr<PacketPort> frames = by_tap ? MakeTap() : MakeSocket();
    ASSERT_NE(frames, nullptr);
    wire_ = std::make_unique<EthernetWire>(EthernetWire::Parts{
        .kind = by_tap ? WireKind::kTap : WireKind::kPacket,
        .frames = std::move(frames),
        .link = std::make_shared<EthernetLink>(EthernetLink::Options{
            .mac = kHost,
            .addresses = {{Ip("192.0.2.9"), 24}, {Ip("2001:db8::9"), 64}},
            .gateways = {},
            .neighbours = {}})});
    Netlink netlink = OpenNetlink();
    ASSERT_TRUE(netlink.SetState(linux_, LinkState::kUp));
    for (const auto& [address, length, prefix] :
         {std::tuple{"192.0.2.7", 24U, "192.0.2.0/24"},
          std::tuple{"2001:db8::7", 64U, "2001:db8::/64"}}) {
      ASSERT_TRUE(netlink.AddAddress(linux_, {Ip(address), length}));
      ASSERT_TRUE(netlink.AddRoute({IpPrefix::Parse(prefix).value(), linux_}));
      ASSERT_TRUE(netlink.AwaitLocal(Ip(address)));
    }
  }

  std::unique_ptr<PacketPort> MakeSocket() {
    Result<Ports> made = Create(HostOptions());
    EXPECT_TRUE(made) << made.error().message;
    return made ? std::move(made->front()) : nullptr;
  }

  std::unique_ptr<PacketPort> MakeTap() {
    auto made = TunDevice::Create(
        host(),
        {.name = "tap0", .mtu_octets = 1500, .layer = TunLayer::kEthernet});
    EXPECT_TRUE(made) << made.error().message;
    return made ? std::move(*made) : nullptr;
  }

  static const char* LinuxAt(IpFamily family) {
    return family == IpFamily::kV4 ? "192.0.2.7" : "2001:db8::7";
  }

  static const char* HostAt(IpFamily family) {
    return family == IpFamily::kV4 ? "192.0.2.9" : "2001:db8::9";
  }

  void HostSends(IpFamily family, std::uint8_t number) {
    Batch batch;
    batch.Push(pool_.Copy(PacketBuilder(HostAt(family), LinuxAt(family))
                              .Udp(kPort, kPort, Octets(3, number))));
    wire_->Send(batch, stats_);
  }

  // Carries what comes to the host until something is at the descriptor, or a
  // packet came.
  std::vector<Octets> CarryUntil(int descriptor) {
    const Instant end = MonotonicNow() + std::chrono::seconds(10);
    std::vector<Octets> packets;
    while (packets.empty() && MonotonicNow() < end) {
      Batch batch;
      wire_->Receive(batch, pool_, stats_);
      for (const Packet& packet : batch.packets()) {
        packets.emplace_back(packet.bytes().begin(), packet.bytes().end());
      }
      batch.Clear();
      if (descriptor >= 0 && Readable(descriptor, 0)) {
        break;
      }
      Readable(wire_->descriptor(), 1);
    }
    return packets;
  }

  // No packet comes meanwhile. False if that takes 10 s.
  bool CarryUntilTrue(const std::function<bool()>& condition) {
    const Instant end = MonotonicNow() + std::chrono::seconds(10);
    while (!condition()) {
      if (MonotonicNow() > end) {
        return false;
      }
      Readable(wire_->descriptor(), 50);
      Batch batch;
      EXPECT_EQ(wire_->Receive(batch, pool_, stats_), 0U);
      batch.Clear();
    }
    return true;
  }

  static Octets Read(const UniqueFd& socket) {
    Octets got(100);
    const ssize_t size =
        ::recv(socket.get(), got.data(), got.size(), MSG_DONTWAIT);
    got.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return got;
  }

  // Whether Linux has us among its neighbours, as `ip neighbour` says it.
  bool Knows(IpFamily family, const std::string& state) const {
    return Run("ip -family " +
               std::string(family == IpFamily::kV4 ? "inet" : "inet6") +
               " neighbour show dev " + linux_ + " to " + HostAt(family) +
               " | grep -q '02:00:5e:10:00:01 .*" + state + "'");
  }

  std::string linux_;
  std::unique_ptr<EthernetWire> wire_;
};

INSTANTIATE_TEST_SUITE_P(Wires, EthernetKernelTest,
                         testing::Values(By::kPacket, By::kTap),
                         [](const auto& its) {
                           return its.param == By::kPacket ? "Packet" : "Tap";
                         });

TEST_P(EthernetKernelTest, TheHostFindsLinux) {
  for (const IpFamily family : {IpFamily::kV4, IpFamily::kV6}) {
    const UniqueFd socket = Bound(SOCK_DGRAM, Endpoint(LinuxAt(family), kPort));
    for (const std::uint8_t number : Octets{1, 2, 3}) {
      HostSends(family, number);
    }
    for (const std::uint8_t number : Octets{1, 2, 3}) {
      CarryUntil(socket.get());
      EXPECT_EQ(Read(socket), Octets(3, number));
    }
    HostSends(family, 4);  // its way is known
    ASSERT_TRUE(Readable(socket.get()));
    EXPECT_EQ(Read(socket), Octets(3, 4));
  }
  EXPECT_GE(stats_.of(Count::kNeighbourQuestions), 2U);
  EXPECT_EQ(stats_.of(DropReason::kNoNeighbour), 0U);
}

TEST_P(EthernetKernelTest, LinuxFindsTheHost) {
  for (const IpFamily family : {IpFamily::kV4, IpFamily::kV6}) {
    const UniqueFd socket = Bound(SOCK_DGRAM, Endpoint(LinuxAt(family), kPort));
    const Endpoint to(HostAt(family), kPort);
    const Octets data = {1, 2, 3};
    ASSERT_EQ(::sendto(socket.get(), data.data(), data.size(), 0, to.get(),
                       to.size()),
              3);
    const std::vector<Octets> came = CarryUntil(-1);
    ASSERT_EQ(came.size(), 1U);
    const Octets expected =
        PacketBuilder(LinuxAt(family), HostAt(family)).Udp(kPort, kPort, data);
    EXPECT_EQ(came[0].size(), expected.size());
    EXPECT_EQ(Octets(came[0].end() - 3, came[0].end()), data);
    EXPECT_TRUE(Knows(family, "REACHABLE"));
  }
}

// RFC 5227 2.3, RFC 4861 7.2.6: who knew another address believes the new one.
TEST_P(EthernetKernelTest, LinuxBelievesAnAnnouncement) {
  for (const IpFamily family : {IpFamily::kV4, IpFamily::kV6}) {
    ASSERT_TRUE(Run("ip neighbour add " + std::string(HostAt(family)) +
                    " lladdr 02:00:5e:10:00:77 nud stale dev " + linux_));
    EXPECT_FALSE(Knows(family, ""));
  }
  EXPECT_TRUE(CarryUntilTrue([this] {
    return Knows(IpFamily::kV4, "STALE") && Knows(IpFamily::kV6, "STALE");
  }));
}

// Linux probes before it takes an address (RFC 4862 5.4), and finds it taken.
TEST_P(EthernetKernelTest, LinuxFindsAnAddressTaken) {
  ASSERT_TRUE(Run("ip -family inet6 address add 2001:db8::9/64 dev " + linux_));
  EXPECT_TRUE(CarryUntilTrue([this] {
    return Run("ip -family inet6 address show dev " + linux_ +
               " dadfailed | grep -q 2001:db8::9");
  }));
}

}  // namespace
}  // namespace postern
