// SPDX-License-Identifier: Apache-2.0
//
// A TUN device of the layer Ethernet, a TAP: the kernel at its interface, and the
// test as another station (02:00:5e:10:00:07, 192.0.2.7).

#include <net/if.h>
#include <sys/ioctl.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "core/stats.h"
#include "tests/support/hex.h"
#include "tests/support/packet_builder.h"
#include "tests/unit/tun/scratch_host.h"
#include "tun/netlink.h"
#include "tun/steering_program.h"
#include "tun/tun_device.h"

namespace postern {
namespace {

constexpr const char* kInterface = "tap0";
constexpr const char* kHostAddress = "192.0.2.9";
constexpr const char* kPeerAddress = "192.0.2.7";
constexpr const char* kPeerMac = "02005e100007";
constexpr std::uint16_t kPort = 4242;

class TapDeviceTest : public ScratchHost {
 protected:
  void SetUp() override {
    ScratchHost::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    auto made = TunDevice::Create(
        host(),
        {.name = kInterface, .mtu_octets = 1500, .layer = TunLayer::kEthernet});
    if (!made && (made.error().code == ErrorCode::kUnavailable ||
                  made.error().code == ErrorCode::kForbidden)) {
      GTEST_SKIP() << made.error().message;
    }
    ASSERT_TRUE(made) << made.error().message;
    tap_ = std::move(made).value();
    BringUp();
    mac_ = MacOfInterface();
  }

  void BringUp() const {
    Netlink netlink = Netlink::OpenInside(host()).value();
    ASSERT_TRUE(netlink.AddAddress(kInterface, {Address(kHostAddress), 32}));
    ASSERT_TRUE(netlink.SetState(kInterface, LinkState::kUp));
    ASSERT_TRUE(netlink.AddRoute(
        {IpPrefix::Parse("192.0.2.0/24").value(), kInterface}));
  }

  bool Run(const char* command) const {
    return host().RunInside([=] { return std::system(command); }).value() == 0;
  }

  UniqueFd Socket(int family, int type, int protocol = 0) const {
    return UniqueFd(host()
                        .RunInside([=] {
                          return ::socket(family, type | SOCK_CLOEXEC,
                                          protocol);
                        })
                        .value());
  }

  // The interface's own, as digits.
  std::string MacOfInterface() const {
    const UniqueFd socket = Socket(AF_INET, SOCK_DGRAM);
    ifreq request{};
    std::strcpy(request.ifr_name, kInterface);
    EXPECT_EQ(::ioctl(socket.get(), SIOCGIFHWADDR, &request), 0);
    Octets octets(6);
    std::memcpy(octets.data(), request.ifr_hwaddr.sa_data, octets.size());
    return ToHex(octets);
  }

  void HostSends(std::size_t size) {
    const UniqueFd socket = Bound(SOCK_DGRAM, Endpoint(kHostAddress, kPort));
    const Endpoint to(kPeerAddress, kPort);
    const Octets payload(size, 0x5a);
    EXPECT_EQ(
        ::sendto(socket.get(), payload.data(), size, 0, to.get(), to.size()),
        static_cast<ssize_t>(size));
  }

  void Send(const Octets& frame) {
    Batch batch;
    batch.Push(pool_.Copy(frame));
    tap_->Send(batch, stats_);
    EXPECT_TRUE(batch.empty());
  }

  // The next one; empty if none comes.
  Octets Receive() {
    EXPECT_TRUE(Readable(tap_->descriptor()));
    Batch batch;
    EXPECT_EQ(tap_->Receive(batch, pool_, stats_), 1U);
    Octets frame;
    for (const Packet& packet : batch.packets()) {
      frame.assign(packet.bytes().begin(), packet.bytes().end());
    }
    batch.Clear();
    return frame;
  }

  // The kernel's question for the peer is the first thing that comes, and is
  // answered.
  void TellWhereThePeerIs() {
    EXPECT_EQ(ToHex(Receive()), "ffffffffffff" + mac_ + "0806" +
                                    "0001080006040001" + mac_ + "c0000209" +
                                    "000000000000c0000207");
    Send(Hex(mac_ + kPeerMac + "0806" + "0001080006040002" + kPeerMac +
             "c0000207" + mac_ + "c0000209"));
  }

  PacketPool pool_{{.packets = 100, .payload = 2000}};
  WorkerStats stats_;
  std::unique_ptr<TunDevice> tap_;
  std::string mac_;
};

TEST_F(TapDeviceTest, ReceivesWhatTheHostSendsInItsFrame) {
  HostSends(100);
  TellWhereThePeerIs();
  const Octets frame = Receive();
  ASSERT_EQ(frame.size(), 14U + 28 + 100);
  EXPECT_EQ(ToHex(ConstBytes(frame).first(14)), kPeerMac + mac_ + "0800");
  EXPECT_EQ(frame[14], 0x45);
  EXPECT_EQ(ToHex(ConstBytes(frame).subspan(14 + 12, 8)), "c0000209c0000207");
  EXPECT_EQ(frame.back(), 0x5a);
}

// The MTU is that of the packets in the frames.
TEST_F(TapDeviceTest, ReceivesTheLargestFrame) {
  EXPECT_EQ(tap_->mtu(), 1500U);
  HostSends(1500 - 28);
  TellWhereThePeerIs();
  EXPECT_EQ(Receive().size(), 14U + 1500);
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 0U);
}

TEST_F(TapDeviceTest, DeliversAFrameToTheHost) {
  const UniqueFd socket = Bound(SOCK_DGRAM, Endpoint(kHostAddress, kPort));
  Octets frame = Hex(mac_ + kPeerMac + "0800");
  const Octets packet =
      PacketBuilder(kPeerAddress, kHostAddress).Udp(kPort, kPort, {1, 2, 3});
  frame.insert(frame.end(), packet.begin(), packet.end());
  Octets foreign = frame;
  foreign[5] ^= 1;  // another station's
  foreign.back() = 9;
  Send(foreign);
  Send(frame);
  ASSERT_TRUE(Readable(socket.get()));
  Octets got(100);
  got.resize(static_cast<std::size_t>(
      ::recv(socket.get(), got.data(), got.size(), 0)));
  EXPECT_EQ(got, (Octets{1, 2, 3}));
  EXPECT_FALSE(Readable(socket.get(), 0));
  EXPECT_EQ(stats_.of(DropReason::kPortRefused), 0U);
}

// The steering program counts from the IP header on, whatever is in front of it.
TEST_F(TapDeviceTest, EachSaComesOutOfOneQueue) {
  const Result<SteeringProgram> steering = SteeringProgram::Load();
  if (!steering && steering.error().code == ErrorCode::kForbidden) {
    GTEST_SKIP() << steering.error().message;
  }
  ASSERT_TRUE(steering) << steering.error().message;
  tap_.reset();
  auto queues = TunDevice::CreateQueues(
      host(), {.name = kInterface, .layer = TunLayer::kEthernet}, *steering, 2);
  ASSERT_TRUE(queues) << queues.error().message;
  BringUp();
  ASSERT_TRUE(
      Run("ip neighbour add 192.0.2.7 lladdr 02:00:5e:10:00:07 dev "
          "tap0 nud permanent"));
  // One socket for all, so that the SPIs alone make the difference.
  const UniqueFd socket = Socket(AF_INET, SOCK_RAW, 50);
  const Endpoint to(kPeerAddress, 0);
  constexpr std::uint8_t kSas = 32;
  constexpr std::size_t kEach = 3;
  for (std::size_t i = 0; i < kEach; ++i) {
    for (std::uint8_t sa = 0; sa < kSas; ++sa) {
      const Octets esp = {0, 0, 1, sa, 0, 0, 0, 1, 1, 2, 3, 4};
      ASSERT_EQ(::sendto(socket.get(), esp.data(), esp.size(), 0, to.get(),
                         to.size()),
                static_cast<ssize_t>(esp.size()));
    }
  }
  std::array<std::multiset<std::uint8_t>, 2> sas;
  for (std::size_t i = 0; i < 2; ++i) {
    Batch batch;
    while ((*queues)[i]->Receive(batch, pool_, stats_) > 0) {
      for (const Packet& packet : batch.packets()) {
        EXPECT_EQ(packet.size(), 14U + 20 + 12);
        sas[i].insert(packet.bytes()[14 + 20 + 3]);
      }
      batch.Clear();
    }
    EXPECT_FALSE(sas[i].empty());
  }
  for (std::uint8_t sa = 0; sa < kSas; ++sa) {
    EXPECT_EQ(sas[0].count(sa) + sas[1].count(sa), kEach);
    EXPECT_TRUE(sas[0].count(sa) == 0 || sas[1].count(sa) == 0) << int{sa};
  }
}

TEST_F(TapDeviceTest, IsABridgesPort) {
  if (!Run("ip link add br0 type bridge 2>/dev/null")) {
    GTEST_SKIP() << "no bridge for us";
  }
  constexpr const char* kIsPort =
      "ip -oneline link show master br0 | grep -q tap0";
  Netlink netlink = Netlink::OpenInside(host()).value();
  EXPECT_FALSE(Run(kIsPort));
  EXPECT_TRUE(netlink.SetMaster(kInterface, "br0"));
  EXPECT_TRUE(Run(kIsPort));
  EXPECT_EQ(netlink.SetMaster(kInterface, "br1").error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(netlink.SetMaster("tap1", "br0").error().code,
            ErrorCode::kNotFound);
}

TEST_F(TapDeviceTest, IsGoneWithItsInterface) {
  Netlink netlink = Netlink::OpenInside(host()).value();
  EXPECT_EQ(netlink.FindLink(kInterface)->kind, "tun");
  tap_.reset();
  EXPECT_EQ(netlink.FindLink(kInterface).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace postern
